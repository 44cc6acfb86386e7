import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { DeleteMessageCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { makeHolds } from "../../lambdas/adapters/dynamodb/holds.ts";
import { makeDynamoJobStore } from "../../lambdas/adapters/dynamodb/job-store.ts";
import { makeRateBuckets } from "../../lambdas/adapters/dynamodb/rate-buckets.ts";
import { makeHttpTransport } from "../../lambdas/adapters/http/transport.ts";
import {
  decodeMessage,
  encodeMessage,
  makeSqsJobQueue,
} from "../../lambdas/adapters/sqs/job-queue.ts";
import { attemptVia } from "../../lambdas/channels/index.ts";
import type {
  Attempt,
  Holds,
  RateBuckets,
  SigningSecrets,
} from "../../lambdas/core/attempt-ports.ts";
import type { JobQueue, JobStore, Observer } from "../../lambdas/core/ports.ts";
import { defaultRetryPolicy } from "../../lambdas/core/rules/backoff.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";
import type { JobMessage, JobRequest, Priority } from "../../lambdas/core/rules/job.ts";
import { makeAcceptJobs } from "../../lambdas/core/usecases/accept-jobs.ts";
import type { Acceptance, AcceptDeps } from "../../lambdas/core/usecases/accept-jobs.ts";
import { makeDeliverJob } from "../../lambdas/core/usecases/deliver-job.ts";
import type { DeliverDeps } from "../../lambdas/core/usecases/deliver-job.ts";
import { localDynamoDb, localSqs } from "../../lib/local/clients.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import { provisionQueues, provisionTable, TABLE_NAME } from "../../lib/local/provision.ts";
import { makeDataDir, removeDataDir } from "./runtime-process.ts";

/** What all jobs of a stage go to, by name: it does not matter to what is tested there. */
const DESTINATION_KEY = "t1#AAAAAAAAAAAAAAAA";

/** Longer than any attempt of a test. */
export const LEASE_MS = 45_000;

/** A clock that a test can set forward; every worker may have its own. */
export interface TestClock {
  now(): number;
  sleep(ms: number): Promise<void>;
  advance(ms: number): void;
}

export const testClock = (): TestClock => {
  let aheadMs = 0;
  return {
    now: () => Date.now() + aheadMs,
    sleep: (ms) => sleep(ms),
    advance: (ms) => {
      aheadMs += ms;
    },
  };
};

/** What the observer was told, in order. */
export const recordingObserver = (): Observer & { readonly events: readonly string[] } => {
  const events: string[] = [];
  return {
    events,
    attempted: (_, attempt, next) => void events.push(`attempted ${attempt.n}: ${next}`),
    cameTooLate: (_, attempt) => void events.push(`came too late ${attempt.n}`),
    closed: (_, attempt, next) => void events.push(`closed ${attempt.n}: ${next}`),
    gaveUpMessage: (_, why) => void events.push(`gave up: ${why}`),
    poisoned: () => void events.push("poisoned"),
    couldNotHold: () => void events.push("could not hold"),
  };
};

/** No tenant signs anything. */
export const withoutSecrets: Pick<SigningSecrets, "read"> = {
  read: () => Promise.resolve({ secrets: [], revision: undefined }),
};

/** Nobody asked to be left alone, and no job has a limit. */
export const withoutLimits: Pick<DeliverDeps, "holds" | "pause"> & {
  readonly buckets: RateBuckets;
} = {
  holds: { heldUntilMs: () => Promise.resolve(0), hold: () => Promise.resolve() },
  buckets: {
    take: () => Promise.reject(new Error("no job has a limit")),
    clockOf: () => Promise.reject(new Error("no job has a limit")),
  },
  pause: (ms) => sleep(ms),
};

/** The real table and queues on the embedded servers, and the use cases around them, to take apart. */
export const startStage = async () => {
  const dataDir = await makeDataDir();
  const emulators = await startEmulators({ dataDir, dynamodb: true, sqs: true, scheduler: false });
  const dynamodb = localDynamoDb(emulators.dynamodbEndpoint ?? "");
  const sqs = localSqs(emulators.sqsEndpoint ?? "");
  await provisionTable(dynamodb);
  const queueUrls = await provisionQueues(sqs);
  const http = makeHttpTransport(parseAllowList("127.0.0.0/8"));

  const storeOn = (client = dynamodb): JobStore =>
    makeDynamoJobStore(
      { client, name: TABLE_NAME, indexShards: 4, retentionMs: 30 * 24 * 3_600_000 },
      () => randomBytes(9).toString("base64url"),
    );
  const chance = { fraction: () => 0, bytes: (count: number) => randomBytes(count) };
  const table = { client: dynamodb, name: TABLE_NAME };

  return {
    dynamodb,
    dynamodbEndpoint: emulators.dynamodbEndpoint ?? "",
    sqsEndpoint: emulators.sqsEndpoint ?? "",
    sqs,
    queueUrls,
    store: storeOn(),
    storeOn,
    queueFor: (clock = testClock()): JobQueue => makeSqsJobQueue(sqs, queueUrls, clock),

    /** A worker of its own, with its own clock, and with what a test puts between it and the world. */
    worker(parts: {
      readonly clock?: TestClock;
      readonly store?: JobStore;
      readonly queue?: JobQueue;
      readonly attempt?: Attempt;
      readonly observer?: Observer;
      readonly signingSecrets?: Pick<SigningSecrets, "read">;
      readonly buckets?: RateBuckets;
      readonly holds?: Holds;
    }) {
      const clock = parts.clock ?? testClock();
      return makeDeliverJob({
        store: parts.store ?? storeOn(),
        queue: parts.queue ?? makeSqsJobQueue(sqs, queueUrls, clock),
        attempt: parts.attempt ?? attemptVia({ http }),
        observer: parts.observer ?? recordingObserver(),
        signingSecrets: parts.signingSecrets ?? withoutSecrets,
        buckets: parts.buckets ?? makeRateBuckets(table, clock),
        holds: parts.holds ?? makeHolds(table, clock),
        pause: (ms) => clock.sleep(ms),
        clock,
        chance,
        leaseMs: LEASE_MS,
      });
    },

    /** Accepts a job and takes its message from the queue, as a worker would receive it. */
    async accept(
      request: Partial<JobRequest> & { readonly destination: JobRequest["destination"] },
    ) {
      const clock = testClock();
      const accept = accepting({
        store: storeOn(),
        queue: makeSqsJobQueue(sqs, queueUrls, clock),
        clock,
      });
      const { id } = await accept(jobRequest(request), "00".repeat(16), undefined);
      await this.takeMessages("normal");
      return { id, message: messageOf(id) };
    },

    /** Receives what is there, and deletes it: what a test then does with it, it does by hand. */
    async takeMessages(queue: Priority | "deadLetters", waitSeconds = 1): Promise<JobMessage[]> {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrls[queue],
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: waitSeconds,
        }),
      );
      for (const { ReceiptHandle } of messages) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrls[queue], ReceiptHandle }));
      }
      return messages.map(({ Body = "" }) => decodeMessage(Body));
    },

    /** When each item of a job expires, in epoch seconds, by its sort key. */
    async expiries(jobId: string): Promise<Readonly<Record<string, number | undefined>>> {
      const { Items: items = [] } = await dynamodb.send(
        new QueryCommand({
          TableName: TABLE_NAME,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: `JOB#${jobId}` } },
        }),
      );
      return Object.fromEntries(
        items.map(({ sk, expires_at: at }) => [
          sk?.S ?? "",
          at?.N === undefined ? undefined : Number(at.N),
        ]),
      );
    },

    async stop() {
      await emulators.stop();
      await removeDataDir(dataDir);
    },
  };
};

/** The door for one job: its acceptance, or the problem thrown. */
export const accepting = (
  deps: Pick<AcceptDeps, "store" | "queue" | "clock"> & Partial<AcceptDeps>,
) => {
  const acceptJobs = makeAcceptJobs({
    chance: { fraction: () => 0, bytes: (count) => randomBytes(count) },
    hasRoom: () => Promise.resolve(true),
    buckets: withoutLimits.buckets,
    dedupeWindowMs: 3_600_000,
    ...deps,
  });
  return async (
    request: JobRequest,
    requestHash: string,
    idempotencyKey: string | undefined,
  ): Promise<Extract<Acceptance, { kind: "accepted" }>> => {
    const [acceptance] = await acceptJobs([{ request, requestHash, idempotencyKey }]);
    if (acceptance?.kind !== "accepted") throw acceptance?.problem ?? new Error("no answer");
    return acceptance;
  };
};

export type Stage = Awaited<ReturnType<typeof startStage>>;

export const jobRequest = (
  request: Partial<JobRequest> & { readonly destination: JobRequest["destination"] },
): JobRequest => ({
  tenantId: "t1",
  type: "webhook.dispatch",
  priority: "normal",
  destinationKey: DESTINATION_KEY,
  pace: null,
  executeAtMs: null,
  dedupeKey: null,
  maxAttempts: 8,
  retry: defaultRetryPolicy,
  metadata: [],
  content: { body: Buffer.from("{}"), headers: [] },
  ...request,
});

export const messageOf = (jobId: string, attempt = 1, generation = 0): JobMessage => ({
  jobId,
  priority: "normal",
  generation,
  attempt,
  destinationKey: DESTINATION_KEY,
});

/** A message as a queue's event carries it. */
export const recordOf = (
  message: JobMessage | string,
  messageId = randomBytes(8).toString("hex"),
): SQSRecord => ({
  messageId,
  receiptHandle: messageId,
  body: typeof message === "string" ? message : encodeMessage(message),
  attributes: {
    ApproximateReceiveCount: "1",
    SentTimestamp: String(Date.now()),
    SenderId: "",
    ApproximateFirstReceiveTimestamp: String(Date.now()),
  },
  messageAttributes: {},
  md5OfBody: "",
  eventSource: "aws:sqs",
  eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:pulsegate-normal",
  awsRegion: "us-east-1",
});
