import { randomBytes } from "node:crypto";
import type { AttemptResult, JobList, JobStore } from "../../lambdas/core/ports.ts";
import { defaultRetryPolicy } from "../../lambdas/core/rules/backoff.ts";
import { newJobId } from "../../lambdas/core/rules/ids.ts";
import { destinationKeyOf } from "../../lambdas/core/rules/rate-limit.ts";
import type { AttemptRecord, Job, JobContent, JobMessage } from "../../lambdas/core/rules/job.ts";

/** An implementation of the ports behind which jobs are kept. */
export interface JobStorage {
  readonly store: JobStore;
  readonly list: JobList;
}

/** The present, since a server may really delete what has expired by its own clock. */
export const NOW_MS = Date.now();
export const SECOND_MS = 1_000;
export const DAY_MS = 24 * 3_600_000;
export const LEASE_MS = 45_000;

/** A job that no other test has, of a tenant that no other test has, as it is first put. */
export const aNewJob = (more: Partial<Job> = {}): Job => {
  const tenantId = more.tenantId ?? `t-${randomBytes(6).toString("hex")}`;
  return {
    kind: "job",
    id: newJobId(NOW_MS, randomBytes(10)),
    requestHash: randomBytes(16).toString("hex"),
    tenantId,
    type: "webhook.dispatch",
    priority: "normal",
    destination: { url: "https://receiver.example/hook", method: "POST", timeoutMs: 10_000 },
    destinationKey: destinationKeyOf(tenantId, "https://receiver.example/hook"),
    pace: null,
    executeAtMs: null,
    dedupeKey: null,
    maxAttempts: 8,
    retry: defaultRetryPolicy,
    metadata: [],
    state: "waiting",
    generation: 0,
    attempts: 0,
    earlierAttempts: 0,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    dueAtMs: 0,
    lease: null,
    lastError: null,
    closedAttempts: [],
    success: null,
    fenced: 0,
    retryKeys: [],
    expiresAtMs: null,
    ...more,
  };
};

export const smallContent: JobContent = { body: Buffer.from('{"a":1}'), headers: [] };

/** A create call of the present, with an hour's hold on a dedupe key. */
export const createCall = (
  more: Partial<Parameters<JobStore["create"]>[2]> = {},
): Parameters<JobStore["create"]>[2] => ({
  startedAtMs: NOW_MS,
  dedupeUntilMs: NOW_MS + 3_600_000,
  forgottenTarget: undefined,
  forgottenHolder: undefined,
  ...more,
});

export const messageAt = (job: Job, attempt: number, generation = 0): JobMessage => ({
  jobId: job.id,
  priority: job.priority,
  generation,
  attempt,
  destinationKey: job.destinationKey,
});

export const failedAttempt = (n: number, error = "reset: gone"): AttemptRecord => ({
  n,
  startedAtMs: NOW_MS + n,
  finishedAtMs: NOW_MS + n + 5,
  status: "failed",
  httpStatus: 503,
  error,
  responseExcerpt: "busy",
});

export const successfulAttempt = (n: number): AttemptRecord => ({
  n,
  startedAtMs: NOW_MS + n,
  finishedAtMs: NOW_MS + n + 5,
  status: "success",
  httpStatus: 204,
  error: null,
  responseExcerpt: null,
});

export const succeeded = (n: number): AttemptResult => ({
  kind: "success",
  attempt: successfulAttempt(n),
  httpStatus: 204,
});

/** The steps that most tests begin with; each throws if it is refused. */
export const stepsOn = (store: JobStore) => {
  const read = async (job: Job): Promise<Job> => {
    const found = await store.read(job.id, NOW_MS);
    if (found.kind !== "job") throw new Error(`${job.id} is ${found.kind}`);
    return found;
  };
  const claim = (job: Job, attempt = 1, token = "worker", generation = 0) =>
    store.claim({
      message: messageAt(job, attempt, generation),
      nowMs: NOW_MS,
      leaseUntilMs: NOW_MS + LEASE_MS,
      token,
    });
  const create = async (more: Partial<Job> = {}, content = smallContent): Promise<Job> => {
    const job = aNewJob(more);
    const created = await store.create(job, content, createCall());
    if (created.kind !== "created") throw new Error(`not created but ${created.kind}`);
    return job;
  };
  const claimed = async (job: Job, attempt = 1, token = "worker", generation = 0) => {
    const outcome = await claim(job, attempt, token, generation);
    if (outcome.kind !== "claimed") throw new Error(`not claimed: ${outcome.found.kind}`);
    return outcome.claimed.job;
  };
  return {
    read,
    claim,
    create,
    claimed,
    /** A job whose first attempts had these results, one after the other. */
    async through(results: readonly AttemptResult[], more: Partial<Job> = {}): Promise<Job> {
      const job = await create(more);
      for (const [index, result] of results.entries()) {
        const running = await claimed(job, index + 1);
        if (result.attempt.status === "failed")
          await store.putFailedAttempt(running, result.attempt, "result");
        const recorded = await store.recordResult(running, "worker", result, NOW_MS);
        if (recorded.kind !== "recorded") throw new Error("not recorded");
      }
      return read(job);
    },
  };
};

/** Leaves a pointer at the id of one job that leads to another one. */
export const pointsOn = (store: () => JobStore) => (to: string, from: Job, forgotten?: string) =>
  store().putPointer(
    from,
    { id: to, createdAtMs: 7 },
    {
      nowMs: NOW_MS,
      forgottenTarget: forgotten ? { jobId: forgotten, createdAtMs: 7 } : undefined,
    },
  );
