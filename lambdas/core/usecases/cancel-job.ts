import type { Clock, JobQueue, JobStore } from "../ports.ts";
import { messageFor, statusOf } from "../rules/job.ts";
import type { JobStatus } from "../rules/job.ts";

export type CancelOutcome =
  | { readonly kind: "cancelled" }
  | { readonly kind: "too_late"; readonly status: JobStatus }
  | { readonly kind: "unknown" };

/**
 * Cancels a job that waits; from then on no attempt of it is started. Its message is taken back where
 * that can be done, or else finds the job cancelled and is deleted.
 */
export const makeCancelJob =
  ({
    store,
    queue,
    clock,
  }: {
    readonly store: JobStore;
    readonly queue: JobQueue;
    readonly clock: Clock;
  }) =>
  async (id: string): Promise<CancelOutcome> => {
    const found = await store.read(id, clock.now());
    if (found.kind !== "job") return { kind: "unknown" };
    if (found.state === "cancelled") return { kind: "cancelled" };
    if (found.state !== "waiting") return tooLate(found.state);

    const outcome = await store.cancel(found, clock.now());
    if (outcome.kind === "cancelled") {
      await queue.withdraw(messageFor(found), found.dueAtMs);
      return outcome;
    }
    const { found: now } = outcome;
    if (now.kind !== "job") return { kind: "unknown" };
    return now.state === "cancelled" ? { kind: "cancelled" } : tooLate(statusOf(now, clock.now()));
  };

const tooLate = (status: JobStatus): CancelOutcome => ({ kind: "too_late", status });
