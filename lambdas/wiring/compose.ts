import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { makeCursorSecret } from "../adapters/dynamodb/cursor-secret.ts";
import { makeDynamoJobList } from "../adapters/dynamodb/job-list.ts";
import { makeDynamoJobRecovery } from "../adapters/dynamodb/job-recovery.ts";
import { makeDynamoJobStore } from "../adapters/dynamodb/job-store.ts";
import { makeHolds } from "../adapters/dynamodb/holds.ts";
import { makeRateBuckets } from "../adapters/dynamodb/rate-buckets.ts";
import { makeSigningSecrets } from "../adapters/dynamodb/signing-secrets.ts";
import type { Table } from "../adapters/dynamodb/table.ts";
import { makeHttpTransport } from "../adapters/http/transport.ts";
import { checkQueue, checkSchedules, checkTable } from "../adapters/readiness.ts";
import { makeFarJobQueue } from "../adapters/scheduler/far-job-queue.ts";
import { makeJobScheduler } from "../adapters/scheduler/job-scheduler.ts";
import { makeHasRoom } from "../adapters/sqs/capacity.ts";
import { hideMessage, queueUrlByArn } from "../adapters/sqs/hide-message.ts";
import { decodeMessage, makeSqsJobQueue } from "../adapters/sqs/job-queue.ts";
import { attemptVia } from "../channels/index.ts";
import type { Chance, Clock, JobQueue } from "../core/ports.ts";
import { makeAcceptJobs } from "../core/usecases/accept-jobs.ts";
import { makeBuryJob } from "../core/usecases/bury-job.ts";
import { makeCancelJob } from "../core/usecases/cancel-job.ts";
import { makeDeliverJob } from "../core/usecases/deliver-job.ts";
import { makeListJobs } from "../core/usecases/list-jobs.ts";
import type { RecoverDeps } from "../core/usecases/recover-jobs.ts";
import { makeDeleteSigningSecret } from "../core/usecases/delete-signing-secret.ts";
import { makePutSigningSecret } from "../core/usecases/put-signing-secret.ts";
import type { TurnDeps } from "../core/usecases/turns.ts";
import { makeRetryJob } from "../core/usecases/retry-job.ts";
import type { Deps as BuryDeps } from "../functions/bury/handler.ts";
import type { Deps as ChangeJobsDeps } from "../functions/change-jobs/handler.ts";
import type { Deps as CreateJobsDeps } from "../functions/create-jobs/handler.ts";
import type { Deps as DeliverDeps } from "../functions/deliver/handler.ts";
import type { Deps as ManageDeps } from "../functions/manage/handler.ts";
import type { Deps as ReadJobsDeps } from "../functions/read-jobs/handler.ts";
import type { Deps as SystemDeps } from "../functions/system/handler.ts";
import { makeTelemetry, observerOf } from "../middleware/telemetry.ts";
import type { Telemetry } from "../middleware/telemetry.ts";
import type { Clients } from "./clients.ts";
import { readConfig } from "./config.ts";
import type { Config, Environment } from "./config.ts";

/** What each function is made of. The only place that knows all parts. */

const TABLE = ["TABLE_NAME", "INDEX_SHARDS", "RETENTION_DAYS"] as const;
const DELIVERY_QUEUES = ["QUEUE_URL_HIGH", "QUEUE_URL_NORMAL", "QUEUE_URL_LOW"] as const;
/** What hands messages over, for any instant. */
const JOB_QUEUE = [
  ...DELIVERY_QUEUES,
  "SCHEDULE_GROUP",
  "SCHEDULE_ROLE_ARN",
  "QUEUE_ARN_HIGH",
  "QUEUE_ARN_NORMAL",
  "QUEUE_ARN_LOW",
  "QUEUE_ARN_DEAD_LETTERS",
] as const;

export const composeCreateJobs = (environment: Environment, clients: Clients): CreateJobsDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "DESTINATION_ALLOW",
    "DEDUPE_WINDOW_SECONDS",
    "QUEUE_CAPACITY",
    ...TABLE,
    ...JOB_QUEUE,
  ]);
  const telemetry = makeTelemetry("create-jobs", config.LOG_LEVEL);
  const store = jobStore(config, clients);
  const sqs = clients.sqs();
  const queue = jobQueue(config, sqs, clients, telemetry);
  return {
    telemetry,
    allow: config.DESTINATION_ALLOW,
    acceptJobs: makeAcceptJobs({
      store,
      queue,
      clock,
      chance,
      hasRoom: makeHasRoom(sqs, Object.values(queueUrls(config)), config.QUEUE_CAPACITY, clock),
      buckets: makeRateBuckets(tableOf(config, clients), clock),
      dedupeWindowMs: config.DEDUPE_WINDOW_SECONDS * 1_000,
    }),
  };
};

export const composeReadJobs = (environment: Environment, clients: Clients): ReadJobsDeps => {
  const config = readConfig(environment, ["LOG_LEVEL", ...TABLE]);
  const table = tableOf(config, clients);
  return {
    telemetry: makeTelemetry("read-jobs", config.LOG_LEVEL),
    store: makeStore(table),
    listJobs: makeListJobs({ list: makeDynamoJobList(table), clock }),
    cursorSecret: makeCursorSecret(table),
    chance,
  };
};

export const composeChangeJobs = (environment: Environment, clients: Clients): ChangeJobsDeps => {
  const config = readConfig(environment, ["LOG_LEVEL", ...TABLE, ...JOB_QUEUE]);
  const telemetry = makeTelemetry("change-jobs", config.LOG_LEVEL);
  const store = jobStore(config, clients);
  const queue = jobQueue(config, clients.sqs(), clients, telemetry);
  return {
    telemetry,
    cancelJob: makeCancelJob({ store, queue, clock }),
    retryJob: makeRetryJob({ store, queue, clock }),
  };
};

export const composeManage = (environment: Environment, clients: Clients): ManageDeps => {
  const config = readConfig(environment, ["LOG_LEVEL", "TABLE_NAME"]);
  const table = { client: clients.dynamodb(), name: config.TABLE_NAME };
  const secrets = makeSigningSecrets(table, newToken);
  return {
    telemetry: makeTelemetry("manage", config.LOG_LEVEL),
    secrets,
    putSecret: makePutSigningSecret({ secrets, clock, chance }),
    deleteSecret: makeDeleteSigningSecret({ secrets }),
  };
};

export const composeSystem = (environment: Environment, clients: Clients): SystemDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "TABLE_NAME",
    "QUEUE_URL_DEAD_LETTERS",
    "SCHEDULE_GROUP",
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
      scheduler: checkSchedules(clients.scheduler(), config.SCHEDULE_GROUP),
    },
  };
};

/** @param pause see `TurnDeps`; a Lambda has nothing that others could use meanwhile */
export const composeDeliver = (
  environment: Environment,
  clients: Clients,
  pause: TurnDeps["pause"] = sleep,
): DeliverDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "DESTINATION_ALLOW",
    "LEASE_SECONDS",
    ...TABLE,
    ...JOB_QUEUE,
  ]);
  const telemetry = makeTelemetry("deliver", config.LOG_LEVEL);
  const sqs = clients.sqs();
  const table = tableOf(config, clients);
  return {
    telemetry,
    decode: decodeMessage,
    hide: hideMessage(sqs, queueUrlByArn(Object.values(queueUrls(config)))),
    deliverJob: makeDeliverJob({
      store: makeStore(table),
      queue: jobQueue(config, sqs, clients, telemetry),
      clock,
      chance,
      observer: observerOf(telemetry),
      attempt: attemptVia({ http: makeHttpTransport(config.DESTINATION_ALLOW) }),
      signingSecrets: makeSigningSecrets(table, newToken),
      buckets: makeRateBuckets(table, clock),
      holds: makeHolds(table, clock),
      pause,
      leaseMs: config.LEASE_SECONDS * 1_000,
    }),
  };
};

export const composeBury = (environment: Environment, clients: Clients): BuryDeps => {
  const config = readConfig(environment, [
    "LOG_LEVEL",
    "QUEUE_URL_DEAD_LETTERS",
    ...TABLE,
    ...JOB_QUEUE,
  ]);
  const telemetry = makeTelemetry("bury", config.LOG_LEVEL);
  const sqs = clients.sqs();
  return {
    telemetry,
    decode: decodeMessage,
    hide: hideMessage(sqs, queueUrlByArn([config.QUEUE_URL_DEAD_LETTERS])),
    buryJob: makeBuryJob({
      store: jobStore(config, clients),
      queue: jobQueue(config, sqs, clients, telemetry),
      clock,
      chance,
      observer: observerOf(telemetry),
    }),
  };
};

/** What `npm run recover`, and a local runtime at its start, work with. */
export const composeRecovery = (environment: Environment, clients: Clients): RecoverDeps => {
  const config = readConfig(environment, ["TABLE_NAME", "LOG_LEVEL", ...JOB_QUEUE]);
  return {
    recovery: makeDynamoJobRecovery(clients.dynamodb(), config.TABLE_NAME),
    queue: jobQueue(config, clients.sqs(), clients, makeTelemetry("recover", config.LOG_LEVEL)),
    clock,
  };
};

const clock: Clock = { now: () => Date.now(), sleep: (ms) => sleep(ms) };

const chance: Chance = {
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  bytes: (count) => randomBytes(count),
};

const jobStore = (config: Config<(typeof TABLE)[number]>, clients: Clients) =>
  makeStore(tableOf(config, clients));

const newToken = () => randomBytes(9).toString("base64url");

const makeStore = (table: Table) => makeDynamoJobStore(table, newToken);

const tableOf = (config: Config<(typeof TABLE)[number]>, clients: Clients): Table => ({
  client: clients.dynamodb(),
  name: config.TABLE_NAME,
  indexShards: config.INDEX_SHARDS,
  retentionMs: config.RETENTION_DAYS * 24 * 3_600_000,
});

const jobQueue = (
  config: Config<(typeof JOB_QUEUE)[number]>,
  sqs: SQSClient,
  clients: Pick<Clients, "scheduler">,
  { logger }: Telemetry,
): JobQueue =>
  makeFarJobQueue({
    near: makeSqsJobQueue(sqs, queueUrls(config), clock),
    scheduler: makeJobScheduler(clients.scheduler(), {
      group: config.SCHEDULE_GROUP,
      roleArn: config.SCHEDULE_ROLE_ARN,
      queueArns: {
        high: config.QUEUE_ARN_HIGH,
        normal: config.QUEUE_ARN_NORMAL,
        low: config.QUEUE_ARN_LOW,
      },
      deadLettersArn: config.QUEUE_ARN_DEAD_LETTERS,
    }),
    clock,
    failed: (what, { jobId }, error) =>
      logger.warn(`could not ${what} a message`, { job_id: jobId, error: errorOf(error) }),
  });

const errorOf = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

const queueUrls = (config: Config<(typeof DELIVERY_QUEUES)[number]>) => ({
  high: config.QUEUE_URL_HIGH,
  normal: config.QUEUE_URL_NORMAL,
  low: config.QUEUE_URL_LOW,
});
