import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import type { Clients } from "../../../lambdas/wiring/clients.ts";
import {
  composeBury,
  composeChangeJobs,
  composeCreateJobs,
  composeDeliver,
  composeManage,
  composeReadJobs,
  composeSystem,
} from "../../../lambdas/wiring/compose.ts";
import type { Environment } from "../../../lambdas/wiring/config.ts";
import {
  LEASE_SECONDS,
  functions,
  queues,
  schedules,
  table,
  variablesOf,
} from "../../../lib/topology.ts";
import type { FunctionName } from "../../../lib/topology.ts";

const compositions = {
  "create-jobs": composeCreateJobs,
  "read-jobs": composeReadJobs,
  "change-jobs": composeChangeJobs,
  manage: composeManage,
  system: composeSystem,
  deliver: composeDeliver,
  bury: composeBury,
} satisfies Record<FunctionName, (environment: Environment, clients: Clients) => unknown>;

const clients: Clients = {
  dynamodb: () => ({}) as DynamoDBClient,
  sqs: () => ({}) as SQSClient,
  scheduler: () => ({}) as SchedulerClient,
};

const values: Record<string, string> = {
  [table.nameVariable]: "jobs",
  LOG_LEVEL: "error",
  RETENTION_DAYS: "30",
  INDEX_SHARDS: "4",
  LEASE_SECONDS: String(LEASE_SECONDS),
  DESTINATION_ALLOW: "",
  DEDUPE_WINDOW_SECONDS: "3600",
  QUEUE_CAPACITY: "0",
  [schedules.groupVariable]: "jobs",
  [schedules.roleVariable]: "arn:role",
  ...Object.fromEntries(
    Object.entries(queues).flatMap(([name, { urlVariable, arnVariable }]) => [
      [urlVariable, `https://sqs/${name}`],
      [arnVariable, `arn:${name}`],
    ]),
  ),
};

/** An environment that holds everything and knows what was looked at. */
const watched = () => {
  const reads = new Set<string>();
  const note = (name: string | symbol) => typeof name === "string" && reads.add(name);
  const environment = new Proxy(values, {
    get: (target, name) => {
      note(name);
      return typeof name === "string" ? target[name] : undefined;
    },
    has: (target, name) => {
      note(name);
      return Reflect.has(target, name);
    },
    ownKeys: () => {
      throw new Error("it looked at the whole environment");
    },
  });
  return { environment, reads };
};

const names = Object.keys(functions) as FunctionName[];

describe("a function's parts", () => {
  it.each(names)("of %s read exactly the variables that the topology gives it", (name) => {
    const { environment, reads } = watched();
    compositions[name](environment, clients);
    expect([...reads].toSorted()).toEqual([...variablesOf(functions[name])].toSorted());
  });

  it.each(names)("of %s name every variable that is missing", (name) => {
    const defaulted = new Set(["LOG_LEVEL"]);
    const needed = variablesOf(functions[name]).filter((variable) => !defaulted.has(variable));
    for (const variable of needed) {
      expect(() => compositions[name]({ ...values, [variable]: undefined }, clients)).toThrow(
        variable,
      );
    }
  });

  it("say nothing to the services before there is something to do", () => {
    const silent = new Proxy({} as SQSClient & DynamoDBClient & SchedulerClient, {
      get: (_, name) => {
        throw new Error(`it asked for ${String(name)}`);
      },
    });
    for (const name of names) {
      const made = compositions[name](values, {
        dynamodb: () => silent,
        sqs: () => silent,
        scheduler: () => silent,
      });
      expect(made).toBeDefined();
    }
  });
});
