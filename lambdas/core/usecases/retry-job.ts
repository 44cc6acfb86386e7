import { Problem } from "../errors.ts";
import type { Clock, JobQueue, JobStore } from "../ports.ts";
import { retryDigestOf } from "../rules/ids.ts";
import { messageFor, statusOf } from "../rules/job.ts";
import type { Job, JobStatus } from "../rules/job.ts";

export type RetryOutcome =
  | { readonly kind: "queued"; readonly isReplay: boolean }
  | { readonly kind: "not_over"; readonly status: JobStatus }
  | { readonly kind: "unknown" };

/**
 * Begins a new sequence of attempts for a job that failed; the old ones are kept. Message first,
 * then the conditional write: of two retries at once one succeeds, and the message of the other
 * finds nothing to do.
 *
 * @param idempotencyKey asked again with it, the same retry is answered and no other is begun
 */
export const makeRetryJob =
  ({
    store,
    queue,
    clock,
  }: {
    readonly store: JobStore;
    readonly queue: JobQueue;
    readonly clock: Clock;
  }) =>
  async (id: string, idempotencyKey: string | undefined): Promise<RetryOutcome> => {
    const found = await store.read(id, clock.now());
    if (found.kind !== "job") return { kind: "unknown" };
    const retryKey = idempotencyKey === undefined ? undefined : retryDigestOf(idempotencyKey);
    const isReplayOn = (job: Job) => retryKey !== undefined && job.retryKeys.includes(retryKey);
    if (isReplayOn(found)) return { kind: "queued", isReplay: true };
    if (found.state !== "failed" && found.state !== "dlq") {
      return { kind: "not_over", status: statusOf(found, clock.now()) };
    }

    const generation = Math.max(found.generation, found.fenced) + 1;
    await queue.send(messageFor(found, { generation, attempt: 1 }), 0);
    const outcome = await store.retry(found, { generation, retryKey }, clock.now());
    if (outcome.kind === "retried") return { kind: "queued", isReplay: false };
    const { found: now } = outcome;
    if (now.kind !== "job") return { kind: "unknown" };
    if (isReplayOn(now)) return { kind: "queued", isReplay: true };
    if (now.state === "failed" || now.state === "dlq") {
      // Its message was just given up: the next try takes a generation beyond that.
      throw new Problem("unavailable", "The retry could not be begun; ask for it again.", {
        retryAfterSeconds: 1,
      });
    }
    return { kind: "not_over", status: statusOf(now, clock.now()) };
  };
