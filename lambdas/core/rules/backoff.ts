const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export type RetryPolicy =
  /** The n-th delay follows the n-th failed attempt; the last one is repeated. */
  | { readonly kind: "schedule"; readonly delaysMs: readonly number[] }
  | { readonly kind: "doubling"; readonly baseMs: number; readonly maxMs: number };

/** Over a day and a bit, as receivers' outages need (the schedule that Standard Webhooks advises). */
export const defaultRetryPolicy: RetryPolicy = {
  kind: "schedule",
  delaysMs: [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR],
};

/**
 * How long to wait, in milliseconds, after the `failed`-th failed attempt of a sequence (1, 2, …).
 * "Equal jitter": uniformly random in the upper half of the delay, so that jobs which failed
 * together do not come back together.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @param random a number in [0, 1)
 */
export const retryDelayMs = (policy: RetryPolicy, failed: number, random: number): number => {
  const fullMs = fullDelayMs(policy, failed);
  return Math.round(fullMs / 2 + (fullMs / 2) * random);
};

const fullDelayMs = (policy: RetryPolicy, failed: number): number => {
  switch (policy.kind) {
    case "schedule": {
      const delayMs = policy.delaysMs[Math.min(failed, policy.delaysMs.length) - 1];
      if (delayMs === undefined) throw new RangeError(`no delay after attempt ${failed}`);
      return delayMs;
    }
    case "doubling":
      return Math.min(policy.maxMs, policy.baseMs * 2 ** (failed - 1));
  }
};
