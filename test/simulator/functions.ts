import type { Context, SQSEvent } from "aws-lambda";
import { makeDynamoJobList } from "../../lambdas/adapters/dynamodb/job-list.ts";
import { makeDynamoJobStore } from "../../lambdas/adapters/dynamodb/job-store.ts";
import { makeHolds } from "../../lambdas/adapters/dynamodb/holds.ts";
import { makeRateBuckets } from "../../lambdas/adapters/dynamodb/rate-buckets.ts";
import { makeSigningSecrets } from "../../lambdas/adapters/dynamodb/signing-secrets.ts";
import type { Table } from "../../lambdas/adapters/dynamodb/table.ts";
import { makeFarJobQueue } from "../../lambdas/adapters/scheduler/far-job-queue.ts";
import { makeJobScheduler } from "../../lambdas/adapters/scheduler/job-scheduler.ts";
import { hideMessage } from "../../lambdas/adapters/sqs/hide-message.ts";
import { decodeMessage, makeSqsJobQueue } from "../../lambdas/adapters/sqs/job-queue.ts";
import { attemptVia } from "../../lambdas/channels/index.ts";
import type { RateBuckets } from "../../lambdas/core/attempt-ports.ts";
import type { Chance, JobQueue, JobStore, Observer } from "../../lambdas/core/ports.ts";
import { makeAcceptJobs } from "../../lambdas/core/usecases/accept-jobs.ts";
import { makeBuryJob } from "../../lambdas/core/usecases/bury-job.ts";
import { makeCancelJob } from "../../lambdas/core/usecases/cancel-job.ts";
import { makeDeliverJob } from "../../lambdas/core/usecases/deliver-job.ts";
import { makeListJobs } from "../../lambdas/core/usecases/list-jobs.ts";
import { makePutSigningSecret } from "../../lambdas/core/usecases/put-signing-secret.ts";
import { makeRetryJob } from "../../lambdas/core/usecases/retry-job.ts";
import { makeHandler as makeBury } from "../../lambdas/functions/bury/handler.ts";
import { makeHandler as makeDeliver } from "../../lambdas/functions/deliver/handler.ts";
import type { Telemetry } from "../../lambdas/middleware/telemetry.ts";
import { LEASE_SECONDS } from "../../lib/topology.ts";
import { clientsOf } from "./world/clients.ts";
import type { SimulatedProcess } from "./world/process.ts";
import { queueArn, queueUrl } from "./world/world.ts";
import type { World } from "./world/world.ts";

/** The product, put together as `wiring/compose.ts` does it, around the world of a simulation. */

export const TABLE_NAME = "pulsegate";
export const INDEX_SHARDS = 2;
export const DEDUPE_WINDOW_MS = 600_000;

const deliveryQueues = { high: "high", normal: "normal", low: "low" } as const;
const urls = {
  high: queueUrl(deliveryQueues.high),
  normal: queueUrl(deliveryQueues.normal),
  low: queueUrl(deliveryQueues.low),
};
const arns = {
  high: queueArn(deliveryQueues.high),
  normal: queueArn(deliveryQueues.normal),
  low: queueArn(deliveryQueues.low),
};

export type QueueHandler = (event: SQSEvent, context: Context) => Promise<unknown>;

/** What one process needs of the product. */
export const functionsOf = (
  world: World,
  process: SimulatedProcess,
  role: string,
  observer: Observer = silentObserver,
) => {
  const { dynamodb, sqs, scheduler } = clientsOf(world, process, role);
  let tokens = 0;
  const newToken = (): string => `${process.name}/${(tokens += 1)}`;
  const chance: Chance = {
    // By the instant alone, so that one job's delays do not depend on how many others there are.
    fraction: () => world.chance.pure(`fraction|${world.time.now()}`),
    bytes: (count) => bytesOf(newToken(), count),
  };
  const table: Table = {
    client: dynamodb,
    name: TABLE_NAME,
    indexShards: INDEX_SHARDS,
    retentionMs: world.plan.retentionMs,
    backOff: (tries) => process.sleep(10 * 2 ** tries),
  };
  const store: JobStore = makeDynamoJobStore(table, newToken);
  const jobScheduler = makeJobScheduler(scheduler, {
    group: "pulsegate",
    roleArn: "arn:aws:iam::000000000000:role/pulsegate",
    queueArns: arns,
    deadLettersArn: queueArn("deadLetters"),
  });
  const queue: JobQueue = makeFarJobQueue({
    near: makeSqsJobQueue(sqs, urls, process),
    scheduler: jobScheduler,
    clock: process,
    failed: () => undefined,
  });
  const signingSecrets = makeSigningSecrets(table, newToken);
  const buckets = lazily(() => makeRateBuckets(table, process));
  const consumer = {
    telemetry: silentTelemetry,
    decode: decodeMessage,
    hide: hideMessage(sqs, (arn) => `https://sqs/000000000000/${arn.split(":").at(-1)}`),
  };
  return {
    queue,
    scheduler: jobScheduler,
    acceptJobs: makeAcceptJobs({
      store,
      queue,
      clock: process,
      chance,
      hasRoom: () => Promise.resolve(true),
      buckets,
      dedupeWindowMs: DEDUPE_WINDOW_MS,
    }),
    cancelJob: makeCancelJob({ store, queue, clock: process }),
    retryJob: makeRetryJob({ store, queue, clock: process }),
    putSigningSecret: makePutSigningSecret({ secrets: signingSecrets, clock: process, chance }),
    listJobs: makeListJobs({ list: makeDynamoJobList(table), clock: process }),
    deliver: (): QueueHandler =>
      makeDeliver({
        ...consumer,
        deliverJob: makeDeliverJob({
          store,
          queue,
          clock: process,
          chance,
          observer,
          attempt: attemptVia({ http: world.destinations.transportOf(process) }),
          signingSecrets,
          buckets,
          holds: makeHolds(table, process),
          pause: (ms) => process.sleep(ms),
          leaseMs: LEASE_SECONDS * 1_000,
        }),
      }),
    bury: (): QueueHandler =>
      makeBury({
        ...consumer,
        buryJob: makeBuryJob({ store, queue, clock: process, chance, observer }),
      }),
  };
};

/** Made when they are asked for: few processes ever do, and their caches take long to make. */
const lazily = (make: () => RateBuckets): RateBuckets => {
  let made: RateBuckets | undefined;
  return {
    take: (pace, leadMs) => (made ??= make()).take(pace, leadMs),
    clockOf: (bucket) => (made ??= make()).clockOf(bucket),
  };
};

/** Unique for each call, as chance would be. */
const bytesOf = (token: string, count: number): Uint8Array => {
  const bytes = new Uint8Array(count);
  for (const [at, byte] of Buffer.from(token).entries()) {
    bytes[at % count] = ((bytes[at % count] ?? 0) * 31 + byte) & 0xff;
  }
  return bytes;
};

const nothing = () => undefined;

const silentObserver: Observer = {
  attempted: nothing,
  cameTooLate: nothing,
  closed: nothing,
  gaveUpMessage: nothing,
  poisoned: nothing,
  couldNotHold: nothing,
};

const silentLogger = {
  createChild: () => silentLogger,
  appendKeys: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

// The record loop logs and publishes, and reads nothing of it back.
const silentTelemetry = {
  logger: silentLogger,
  metrics: { hasStoredMetrics: () => false },
} as unknown as Telemetry;
