import { retryDelayMs } from "./backoff.ts";
import { attemptNumber } from "./job.ts";
import type { AttemptRecord, Job } from "./job.ts";

export type NextStep =
  | { readonly kind: "retry"; readonly attempt: AttemptRecord; readonly dueAtMs: number }
  | { readonly kind: "dlq"; readonly attempt: AttemptRecord };

/**
 * What follows on a failed attempt that another one might mend.
 *
 * @param leaveAloneMs the receiver asked to be left alone for so long from the failure on: it puts
 *   the next attempt off, and never brings it forward
 */
export const nextStep = (
  job: Job,
  attempt: AttemptRecord,
  failedAtMs: number,
  random: number,
  leaveAloneMs = 0,
): NextStep =>
  job.attempts >= job.maxAttempts
    ? { kind: "dlq", attempt }
    : {
        kind: "retry",
        attempt,
        dueAtMs: failedAtMs + Math.max(retryDelayMs(job.retry, job.attempts, random), leaveAloneMs),
      };

/** The record of an attempt whose worker was not heard of again: it may have reached the receiver. */
export const closedAttempt = (job: Job): AttemptRecord => {
  if (!job.lease) throw new Error(`job ${job.id} is not being processed`);
  return {
    n: attemptNumber(job),
    startedAtMs: job.lease.claimedAtMs,
    finishedAtMs: job.lease.untilMs,
    status: "failed",
    httpStatus: null,
    error: "outcome_unknown: the worker did not report back before its lease ran out",
    responseExcerpt: null,
  };
};
