/**
 * The two stacks of a stage: what must survive, and what can be deployed anew at any time. Apart,
 * so that a bad deployment of the functions cannot take table and queues along.
 */
import { CfnOutput, Stack, Validations } from "aws-cdk-lib";
import type { App } from "aws-cdk-lib";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";
import type { Construct } from "constructs";
import { functions } from "../topology.ts";
import type { FunctionName, FunctionTopology } from "../topology.ts";
import { HttpApi } from "./http-api.ts";
import { JobQueues } from "./job-queues.ts";
import { JobTable } from "./job-table.ts";
import { LOCAL_STAGE, localScheduleGroups, localSendActions } from "./local-stage.ts";
import { LambdaFunction } from "./lambda-function.ts";
import { Schedules } from "./schedules.ts";
import type { StageSettings } from "./stage.ts";

/** Puts a stage into the app; synthesis fails on what AWS's rule packs find and no one explained. */
export function addStage(app: App, stage: StageSettings, codeOf: (name: FunctionName) => Code) {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  const stateful = new StatefulStack(app, `pulsegate-${stage.name}-stateful`, stage);
  const stateless = new StatelessStack(app, `pulsegate-${stage.name}-stateless`, {
    stage,
    stateful,
    codeOf,
  });
  return { stateful, stateless };
}

class StatefulStack extends Stack {
  readonly table: JobTable;
  readonly queues: JobQueues;
  readonly schedules: Schedules;

  constructor(scope: Construct, id: string, { name, development }: StageSettings) {
    super(scope, id, {
      description: `PulseGate ${name}: table, queues and schedules`,
      terminationProtection: !development,
    });
    this.table = new JobTable(this, "JobTable", { development });
    const isLocal = name === LOCAL_STAGE;
    this.queues = new JobQueues(this, "JobQueues", {
      development,
      ...(isLocal ? { sendActions: localSendActions } : {}),
    });
    this.schedules = new Schedules(this, "Schedules", {
      development,
      queues: this.queues,
      ...(isLocal ? { alsoGroups: localScheduleGroups } : {}),
    });

    // An operator's command runs with the variables that a function runs with.
    const variables = {
      ...this.table.variables,
      ...this.queues.variables,
      ...this.schedules.variables,
    };
    for (const [variable, value] of Object.entries(variables)) {
      output(this, pascalCase(variable), value, `${variable} of an operator's commands`);
    }
  }
}

interface StatelessStackProps {
  readonly stage: StageSettings;
  readonly stateful: StatefulStack;
  readonly codeOf: (name: FunctionName) => Code;
}

class StatelessStack extends Stack {
  constructor(scope: Construct, id: string, { stage, stateful, codeOf }: StatelessStackProps) {
    super(scope, id, { description: `PulseGate ${stage.name}: functions and API` });
    const api = new HttpApi(this, "HttpApi", { stage });
    for (const name of Object.keys(functions) as FunctionName[]) {
      const topology: FunctionTopology = functions[name];
      const { table, queues, schedules } = stateful;
      const made = new LambdaFunction(this, name, {
        name,
        topology,
        stage,
        table,
        queues,
        schedules,
        code: codeOf(name),
      });
      api.route(name, made.function, topology);
    }
    output(this, "ApiUrl", api.url, "Where the API answers");
  }
}

const output = (stack: Stack, id: string, value: string, description: string) =>
  new CfnOutput(stack, id, { value, description });

/** `QUEUE_URL_HIGH` is `QueueUrlHigh`: CloudFormation allows letters and digits only. */
const pascalCase = (variable: string) =>
  variable
    .toLowerCase()
    .replaceAll(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
