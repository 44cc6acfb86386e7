/** When a call is repeated, as arithmetic: chance and time are handed in. */

export interface BackoffOptions {
  /** The delay before the first repeat; it doubles from one to the next. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * The wait before repeat n (from 0), half of it by chance: callers that failed together must not
 * come back together. What the server asks for raises it, never lowers it.
 */
export const backoffMs = (
  n: number,
  retryAfterMs: number | null,
  { baseDelayMs, maxDelayMs }: BackoffOptions,
  fraction: number,
): number => {
  const delayMs = Math.min(maxDelayMs, baseDelayMs * 2 ** n);
  return Math.max(delayMs / 2 + (delayMs / 2) * fraction, retryAfterMs ?? 0);
};

/** RFC 9110, section 10.2.3: seconds or a date; anything else counts as absent. */
export const retryAfterMsOf = (headers: Headers, nowMs: number): number | null => {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  // Every form of an HTTP date begins with the day's name; Date.parse would take much more.
  const atMs = /^[A-Z][a-z]{2}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
};

const REPEATABLE_STATUSES = new Set([429, 500, 502, 503, 504]);

/** Whether the same call may fare better: no answer (`null`), or one that speaks of the moment. */
export const isRepeatable = (status: number | null): boolean =>
  status === null || REPEATABLE_STATUSES.has(status);
