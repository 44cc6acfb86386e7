import { randomBytes } from "node:crypto";
import { makeRateBuckets } from "../../lambdas/adapters/dynamodb/rate-buckets.ts";
import type { Holds } from "../../lambdas/core/attempt-ports.ts";
import type { JobMessage } from "../../lambdas/core/rules/job.ts";
import type { Pace } from "../../lambdas/core/rules/rate-limit.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { messageOf, testClock } from "./stage.ts";
import type { Stage } from "./stage.ts";

/** One start in a thousand seconds. */
export const SLOW = { rps: 0.001, burst: 1 };

/** A bucket that no other test has. */
export const aPace = (limit: { readonly rps: number; readonly burst: number }): Pace => ({
  bucket: `t1#${randomBytes(12).toString("base64url")}`,
  ...limit,
});

/** Holds that say this of every destination. */
export const holding = (untilMs: number): Holds => ({
  heldUntilMs: () => Promise.resolve(untilMs),
  hold: () => Promise.resolve(),
});

export const received = (message: JobMessage) => ({ message, sentAtMs: Date.now() });

/** Jobs with a rate limit on a stage, with their messages. */
export const limitedJobsOn = (stage: Stage, receiver: { readonly url: string }) => {
  const destination = () => ({ url: receiver.url, method: "POST" as const, timeoutMs: 10_000 });
  const bucketsOn = (client = localDynamoDb(stage.dynamodbEndpoint), clock = testClock()) =>
    makeRateBuckets({ client, name: TABLE_NAME }, clock);
  const messagesOf = async (id: string, waitSeconds: number): Promise<readonly JobMessage[]> =>
    (await stage.takeMessages("normal", waitSeconds)).filter(({ jobId }) => jobId === id);
  /** A job with a limit, and its message as it was sent. */
  const accept = async (pace: Pace) => {
    const { id } = await stage.accept({ destination: destination(), pace });
    const message: JobMessage = { ...messageOf(id), pace };
    return { id, message };
  };
  return {
    destination,
    bucketsOn,
    messagesOf,
    accept,

    /** A job whose turn is some while ahead: others have taken what there was. */
    acceptBehind: async (limit = SLOW) => {
      const pace = aPace(limit);
      await bucketsOn().take(pace, 0);
      return { pace, ...(await accept(pace)) };
    },

    /**
     * The next message of a job; those of other tests are thrown away. A call to the queue waits for
     * two seconds at most.
     */
    nextMessage: async (id: string): Promise<JobMessage> => {
      const deadlineMs = Date.now() + 10_000;
      while (Date.now() < deadlineMs) {
        const [message] = await messagesOf(id, 2);
        if (message) return message;
      }
      throw new Error(`no message of ${id} came`);
    },

    jobAt: async (id: string) => {
      const job = await stage.store.read(id, Date.now());
      if (job.kind !== "job") throw new Error(`${id} is ${job.kind}`);
      return job;
    },
  };
};
