/** One function: its code, its role, what it may reach, and the queues that invoke it. */
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  EventSourceMapping,
  Function as AwsFunction,
  RecursiveLoop,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import type { Code } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { variablesOf } from "../topology.ts";
import type { FunctionTopology } from "../topology.ts";
import { checkTimes } from "./function-times.ts";
import type { JobQueues } from "./job-queues.ts";
import type { JobTable } from "./job-table.ts";
import type { Schedules } from "./schedules.ts";
import { settingVariables } from "./stage.ts";
import type { StageSettings } from "./stage.ts";

export interface LambdaFunctionProps {
  readonly name: string;
  readonly topology: FunctionTopology;
  readonly stage: StageSettings;
  readonly table: JobTable;
  readonly queues: JobQueues;
  readonly schedules: Schedules;
  /** The bundle: a folder with `index.mjs` that exports `handler`. */
  readonly code: Code;
}

export class LambdaFunction extends Construct {
  readonly function: AwsFunction;

  constructor(scope: Construct, id: string, props: LambdaFunctionProps) {
    super(scope, id);
    const { name, topology, stage } = props;
    checkTimes(name, topology);

    const logGroup = new LogGroup(this, "Logs", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: stage.development ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    // Inline, not attached later: a mapping is refused while its role cannot read the queue.
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: {
        access: new PolicyDocument({
          statements: [
            writeTo(logGroup),
            ...props.table.statements(topology.grants),
            ...props.queues.statements(topology.grants),
            ...props.schedules.statements(topology.grants),
          ],
        }),
      },
    });

    props.schedules.acknowledge(role, topology.grants);

    const values: Readonly<Record<string, string>> = {
      ...settingVariables(stage),
      ...props.table.variables,
      ...props.queues.variables,
      ...props.schedules.variables,
    };
    this.function = new AwsFunction(this, "Function", {
      description: `PulseGate ${stage.name}: ${name}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: "index.handler",
      code: props.code,
      timeout: Duration.seconds(topology.timeoutSeconds),
      memorySize: topology.memoryMb,
      role,
      logGroup,
      environment: {
        ...Object.fromEntries(variablesOf(topology).map((name) => [name, values[name]!])),
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: "PulseGate",
        NODE_OPTIONS: "--enable-source-maps",
        // Names are looked up on libuv's threads, four by default, and a look-up cannot be given up:
        // four names that never answer would hold all others up.
        UV_THREADPOOL_SIZE: "64",
      },
      // Lambda stops a loop through SQS after about 16 rounds; ours ends with max_attempts
      // (https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
      recursiveLoop: topology.feedsItself ? RecursiveLoop.ALLOW : RecursiveLoop.TERMINATE,
    });
    acknowledgeSynchronous(this.function);

    for (const { queue, batchSize } of topology.triggers ?? []) {
      const mapping = new EventSourceMapping(this, `From-${queue}`, {
        target: this.function,
        eventSourceArn: props.queues.queue(queue).queueArn,
        batchSize,
        reportBatchItemFailures: true,
        ...(stage.maxConcurrency === undefined ? {} : { maxConcurrency: stage.maxConcurrency }),
      });
      acknowledgeRedrive(mapping);
    }
  }
}

/** The narrowest there is: Lambda names the streams, so the group is as far as it can be cut. */
const writeTo = (logGroup: LogGroup) =>
  new PolicyStatement({
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    resources: [logGroup.logGroupArn],
  });

function acknowledgeSynchronous(fn: AwsFunction): void {
  Validations.of(fn).acknowledge(
    {
      id: "Serverless-LambdaDLQ",
      reason: "For asynchronous invocations; the gateway and the queues invoke synchronously.",
    },
    {
      id: "Serverless-LambdaTracing",
      reason: "X-Ray's actions accept no resource narrower than a wildcard; logs carry the ids.",
    },
  );
}

function acknowledgeRedrive(mapping: EventSourceMapping): void {
  Validations.of(mapping).acknowledge({
    id: "Serverless-LambdaEventSourceMappingDestination",
    reason: "For streams only; a message that fails goes the way of its queue's redrive policy.",
  });
}
