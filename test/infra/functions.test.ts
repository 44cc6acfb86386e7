import { App, Stack } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { describe, expect, it } from "vitest";
import { checkTimes } from "../../lib/aws/function-times.ts";
import { JobQueues } from "../../lib/aws/job-queues.ts";
import { JobTable } from "../../lib/aws/job-table.ts";
import { LambdaFunction } from "../../lib/aws/lambda-function.ts";
import { Schedules } from "../../lib/aws/schedules.ts";
import { readStage } from "../../lib/aws/stage.ts";
import { functions as topology } from "../../lib/topology.ts";
import type { FunctionTopology } from "../../lib/topology.ts";
import { functionsOf, resourcesOf, synthesize } from "./synthesized.ts";

const stage = synthesize("dev");
const functions = [...functionsOf(stage)];

describe("A function", () => {
  it.each(functions)("runs on Node 24 and arm64: %s", (_name, fn) => {
    expect(fn).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
    });
  });

  it.each(functions)("logs into a group of its own that forgets in a month: %s", (_name, fn) => {
    const group = stage.resourceOf(fn.LoggingConfig.LogGroup);
    const groups = resourcesOf<LogGroup>(stage.stateless, "AWS::Logs::LogGroup").filter(([id]) =>
      id.startsWith(group),
    );
    expect(groups.map(([, { Properties }]) => Properties.RetentionInDays)).toEqual([30]);
  });

  it("may be fed by itself exactly where its retries are messages to itself", () => {
    const allowed = functions
      .filter(([, { RecursiveLoop }]) => RecursiveLoop === "Allow")
      .map(([name]) => name);
    expect(allowed.toSorted()).toEqual(["bury", "deliver"]);
  });

  it.each(functions)(
    "reserves no concurrency, which a new account does not have: %s",
    (_name, fn) => {
      expect(fn.ReservedConcurrentExecutions).toBeUndefined();
    },
  );

  it.each([
    [
      "create-jobs",
      [
        "DEDUPE_WINDOW_SECONDS",
        "DESTINATION_ALLOW",
        "INDEX_SHARDS",
        "QUEUE_CAPACITY",
        "QUEUE_URL_*",
        "RETENTION_DAYS",
        "SCHEDULE_*",
      ],
    ],
    ["read-jobs", ["INDEX_SHARDS", "RETENTION_DAYS"]],
    ["change-jobs", ["INDEX_SHARDS", "QUEUE_URL_*", "RETENTION_DAYS", "SCHEDULE_*"]],
    ["manage", []],
    ["system", ["QUEUE_URL_*", "QUEUE_URL_DEAD_LETTERS", "SCHEDULE_GROUP"]],
    [
      "deliver",
      [
        "DESTINATION_ALLOW",
        "INDEX_SHARDS",
        "LEASE_SECONDS",
        "QUEUE_URL_*",
        "RETENTION_DAYS",
        "SCHEDULE_*",
      ],
    ],
    [
      "bury",
      ["INDEX_SHARDS", "QUEUE_URL_*", "QUEUE_URL_DEAD_LETTERS", "RETENTION_DAYS", "SCHEDULE_*"],
    ],
  ])("is told what it needs to know, and nothing else: %s", (name, own) => {
    const groups: Readonly<Record<string, readonly string[]>> = {
      "QUEUE_URL_*": ["QUEUE_URL_HIGH", "QUEUE_URL_LOW", "QUEUE_URL_NORMAL"],
      "SCHEDULE_*": [
        "QUEUE_ARN_DEAD_LETTERS",
        "QUEUE_ARN_HIGH",
        "QUEUE_ARN_LOW",
        "QUEUE_ARN_NORMAL",
        "SCHEDULE_GROUP",
        "SCHEDULE_ROLE_ARN",
      ],
    };
    const everywhere = [
      "LOG_LEVEL",
      "NODE_OPTIONS",
      "POWERTOOLS_METRICS_NAMESPACE",
      "POWERTOOLS_SERVICE_NAME",
      "TABLE_NAME",
      "UV_THREADPOOL_SIZE",
    ];
    const names = own.flatMap((variable) => groups[variable] ?? variable);
    expect(Object.keys(variablesOf(name)).toSorted()).toEqual([...everywhere, ...names].toSorted());
  });

  it("finds the settings of its stage in its variables", () => {
    expect(variablesOf("deliver")).toMatchObject({
      LOG_LEVEL: "debug",
      RETENTION_DAYS: "30",
      LEASE_SECONDS: "45",
      POWERTOOLS_SERVICE_NAME: "deliver",
      POWERTOOLS_METRICS_NAMESPACE: "PulseGate",
      NODE_OPTIONS: "--enable-source-maps",
    });
    const { TABLE_NAME, QUEUE_URL_HIGH } = variablesOf("deliver");
    // A reference to the resource itself is a table's name and a queue's URL; an ARN is neither.
    expect([TABLE_NAME, QUEUE_URL_HIGH].map(stage.resolve)).toEqual(["JobTable", "JobQueuesHigh"]);
  });

  it("sends to public addresses only, unless its stage allows a network", () => {
    expect(variablesOf("deliver").DESTINATION_ALLOW).toBe("");
    expect(variablesOf("create-jobs").DESTINATION_ALLOW).toBe("");
    const deployed = synthesize("dev", { dev: { destinationAllow: ["10.1.0.0/16", "fd00::/8"] } });
    const variables = functionsOf(deployed).get("deliver")!.Environment.Variables;
    expect(variables.DESTINATION_ALLOW).toBe("10.1.0.0/16,fd00::/8");
  });
});

describe("A queue that invokes a function", () => {
  const mappingsOf = (of: typeof stage) =>
    resourcesOf<Mapping>(of.stateless, "AWS::Lambda::EventSourceMapping").map(
      ([, { Properties }]) => ({
        from: of.resourceOf(Properties.EventSourceArn),
        to: of.resourceOf(Properties.FunctionName),
        properties: Properties,
      }),
    );
  const mappings = mappingsOf(stage);

  it("is each delivery queue for deliver, and the dead letters for bury", () => {
    expect(mappings.map(({ from, to }) => `${from} ${to}`).toSorted()).toEqual([
      "JobQueuesDeadLetters buryFunction",
      "JobQueuesHigh deliverFunction",
      "JobQueuesLow deliverFunction",
      "JobQueuesNormal deliverFunction",
    ]);
  });

  it.each(mappings)("takes back single messages of a batch: $from", ({ properties }) => {
    expect(properties.FunctionResponseTypes).toEqual(["ReportBatchItemFailures"]);
    expect(properties.BatchSize).toBe(10);
  });

  it("is bounded only when its stage says so, for a bound has idle polls billed", () => {
    for (const { properties } of mappings) expect(properties.ScalingConfig).toBeUndefined();
    for (const { properties } of mappingsOf(synthesize("dev", { dev: { maxConcurrency: 7 } }))) {
      expect(properties.ScalingConfig).toEqual({ MaximumConcurrency: 7 });
    }
  });
});

describe("A function whose times do not fit together", () => {
  it("is refused when it can outlive its lease", () => {
    expect(() => construct({ ...topology.deliver, timeoutSeconds: 46 })).toThrow(
      "deliver: timeout 46 s is over the lease of 45 s",
    );
  });

  it("is refused when a message comes back while the function may still run", () => {
    const slow = { ...topology.bury, timeoutSeconds: 91 };
    expect(() => construct(slow)).toThrow("visibility of deadLetters, 90 s, is under 91 s");
  });

  it("is refused when a message comes back before the lease of a dead worker is over", () => {
    expect(() => checkTimes("deliver", topology.deliver, () => 90)).not.toThrow();
    expect(() => checkTimes("deliver", topology.deliver, () => 89)).toThrow(
      "deliver: visibility of high, 89 s, is under 90 s",
    );
  });

  it("is accepted at the very edge", () => {
    expect(() => construct(topology.deliver)).not.toThrow();
    expect(() => construct({ ...topology.bury, timeoutSeconds: 90 })).not.toThrow();
  });

  function construct(entry: FunctionTopology): LambdaFunction {
    const stack = new Stack(new App(), "stack");
    const queues = new JobQueues(stack, "Queues", { development: true });
    return new LambdaFunction(stack, "Function", {
      name: "deliver",
      topology: entry,
      stage: readStage(new App({ context: { stages: { dev: {} } } }).node),
      table: new JobTable(stack, "Table", { development: true }),
      queues,
      schedules: new Schedules(stack, "Schedules", { development: true, queues }),
      code: Code.fromInline("exports.handler = 1"),
    });
  }
});

const variablesOf = (name: string) => functionsOf(stage).get(name)!.Environment.Variables;

interface LogGroup {
  readonly RetentionInDays: number;
}

interface Mapping {
  readonly EventSourceArn: unknown;
  readonly FunctionName: unknown;
  readonly BatchSize: number;
  readonly FunctionResponseTypes: readonly string[];
  readonly ScalingConfig?: unknown;
}
