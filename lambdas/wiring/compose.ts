import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { makeDynamoJobRecovery } from "../adapters/dynamodb/job-recovery.ts";
import { makeDynamoJobStore } from "../adapters/dynamodb/job-store.ts";
import type { Table } from "../adapters/dynamodb/table.ts";
import { makeHttpTransport } from "../adapters/http/transport.ts";
import { checkQueue, checkTable } from "../adapters/readiness.ts";
import { hideMessage, queueUrlByArn } from "../adapters/sqs/hide-message.ts";
import { decodeMessage, makeSqsJobQueue } from "../adapters/sqs/job-queue.ts";
import { attemptVia } from "../channels/index.ts";
import type { Chance, Clock } from "../core/ports.ts";
import { makeAcceptJob } from "../core/usecases/accept-job.ts";
import { makeBuryJob } from "../core/usecases/bury-job.ts";
import { makeDeliverJob } from "../core/usecases/deliver-job.ts";
import type { RecoverDeps } from "../core/usecases/recover-jobs.ts";
import type { Deps as BuryDeps } from "../functions/bury/handler.ts";
import type { Deps as CreateJobsDeps } from "../functions/create-jobs/handler.ts";
import type { Deps as DeliverDeps } from "../functions/deliver/handler.ts";
import type { Deps as ReadJobsDeps } from "../functions/read-jobs/handler.ts";
import type { Deps as SystemDeps } from "../functions/system/handler.ts";
import { makeTelemetry, observerOf } from "../middleware/telemetry.ts";
import type { Clients } from "./clients.ts";
import { readConfig } from "./config.ts";
import type { Config, Environment } from "./config.ts";

/** What each function is made of. The only place that knows all parts. */

const TABLE = ["TABLE_NAME", "INDEX_SHARDS", "RETENTION_DAYS"] as const;
const DELIVERY_QUEUES = ["QUEUE_URL_HIGH", "QUEUE_URL_NORMAL", "QUEUE_URL_LOW"] as const;

export const composeCreateJobs = (environment: Environment, clients: Clients): CreateJobsDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "DESTINATION_ALLOW",
    ...TABLE,
    ...DELIVERY_QUEUES,
  ]);
  const store = jobStore(config, clients);
  const queue = makeSqsJobQueue(clients.sqs(), queueUrls(config), clock);
  return {
    telemetry: makeTelemetry("create-jobs", config.LOG_LEVEL),
    allow: config.DESTINATION_ALLOW,
    acceptJob: makeAcceptJob({ store, queue, clock, chance }),
  };
};

export const composeReadJobs = (environment: Environment, clients: Clients): ReadJobsDeps => {
  const config = readConfig(environment, ["LOG_LEVEL", ...TABLE]);
  return {
    telemetry: makeTelemetry("read-jobs", config.LOG_LEVEL),
    store: jobStore(config, clients),
  };
};

export const composeSystem = (environment: Environment, clients: Clients): SystemDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "TABLE_NAME",
    "QUEUE_URL_DEAD_LETTERS",
    ...DELIVERY_QUEUES,
  ]);
  const dynamodb = clients.dynamodb();
  const sqs = clients.sqs();
  return {
    telemetry: makeTelemetry("system", config.LOG_LEVEL),
    checks: {
      table: checkTable(dynamodb, config.TABLE_NAME),
      "queue high": checkQueue(sqs, config.QUEUE_URL_HIGH),
      "queue normal": checkQueue(sqs, config.QUEUE_URL_NORMAL),
      "queue low": checkQueue(sqs, config.QUEUE_URL_LOW),
      "dead-letter queue": checkQueue(sqs, config.QUEUE_URL_DEAD_LETTERS),
    },
  };
};

export const composeDeliver = (environment: Environment, clients: Clients): DeliverDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "DESTINATION_ALLOW",
    "LEASE_SECONDS",
    ...TABLE,
    ...DELIVERY_QUEUES,
  ]);
  const telemetry = makeTelemetry("deliver", config.LOG_LEVEL);
  const sqs = clients.sqs();
  const urls = queueUrls(config);
  return {
    telemetry,
    decode: decodeMessage,
    hide: hideMessage(sqs, queueUrlByArn(Object.values(urls))),
    deliverJob: makeDeliverJob({
      store: jobStore(config, clients),
      queue: makeSqsJobQueue(sqs, urls, clock),
      clock,
      chance,
      observer: observerOf(telemetry),
      attempt: attemptVia({ http: makeHttpTransport(config.DESTINATION_ALLOW) }),
      leaseMs: config.LEASE_SECONDS * 1_000,
    }),
  };
};

export const composeBury = (environment: Environment, clients: Clients): BuryDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "QUEUE_URL_DEAD_LETTERS",
    ...TABLE,
    ...DELIVERY_QUEUES,
  ]);
  const telemetry = makeTelemetry("bury", config.LOG_LEVEL);
  const sqs = clients.sqs();
  return {
    telemetry,
    decode: decodeMessage,
    hide: hideMessage(sqs, queueUrlByArn([config.QUEUE_URL_DEAD_LETTERS])),
    buryJob: makeBuryJob({
      store: jobStore(config, clients),
      queue: makeSqsJobQueue(sqs, queueUrls(config), clock),
      clock,
      chance,
      observer: observerOf(telemetry),
    }),
  };
};

/** What `npm run recover`, and a local runtime at its start, work with. */
export const composeRecovery = (environment: Environment, clients: Clients): RecoverDeps => {
  const config = readConfig(environment, ["TABLE_NAME", ...DELIVERY_QUEUES]);
  return {
    recovery: makeDynamoJobRecovery(clients.dynamodb(), config.TABLE_NAME),
    queue: makeSqsJobQueue(clients.sqs(), queueUrls(config), clock),
    clock,
  };
};

const clock: Clock = { now: () => Date.now(), sleep: (ms) => sleep(ms) };

const chance: Chance = {
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  bytes: (count) => randomBytes(count),
};

const jobStore = (config: Config<(typeof TABLE)[number]>, clients: Clients) =>
  makeDynamoJobStore(tableOf(config, clients), () => randomBytes(9).toString("base64url"));

const tableOf = (config: Config<(typeof TABLE)[number]>, clients: Clients): Table => ({
  client: clients.dynamodb(),
  name: config.TABLE_NAME,
  indexShards: config.INDEX_SHARDS,
  retentionMs: config.RETENTION_DAYS * 24 * 3_600_000,
});

const queueUrls = (config: Config<(typeof DELIVERY_QUEUES)[number]>) => ({
  high: config.QUEUE_URL_HIGH,
  normal: config.QUEUE_URL_NORMAL,
  low: config.QUEUE_URL_LOW,
});
