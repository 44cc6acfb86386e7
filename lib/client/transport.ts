import { sleep, withDeadline } from "./abort.ts";
import { invalidArgument } from "./arguments.ts";
import { backoffMs, isRepeatable, retryAfterMsOf } from "./backoff.ts";
import type { BackoffOptions } from "./backoff.ts";
import { errorOfAnswer, errorWithoutAnswer, PulseGateError } from "./error.ts";

/**
 * One call: the same request, repeated while that can help. A repeat is safe because every call is:
 * reads change nothing, cancelling twice is cancelling, a secret that is put twice is there once, and
 * creating and retrying carry an idempotency key that is the same in every try.
 */

export interface TransportOptions extends BackoffOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly retries: number;
  readonly timeoutMs: number;
  /** A server that asks for longer is not waited for. */
  readonly maxRetryAfterMs: number;
}

/** What a caller may set for one call. */
export interface CallOptions {
  /** Ends the call, also while it waits for its next try; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** For each try, the answer's body included. */
  readonly timeoutMs?: number | undefined;
  /** How often a failed call is repeated. */
  readonly retries?: number | undefined;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** JSON, sent as it stands. */
  readonly body?: string | Uint8Array;
  readonly idempotencyKey?: string;
  /** An answer that is no error, and worth a repeat all the same, while there is one left. */
  readonly isUnfinished?: (answer: Answer) => boolean;
  /** What it answers when a try whose outcome nobody knows was carried out, and a repeat finds 404. */
  readonly ifGone?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export type Transport = (call: Call, options?: CallOptions) => Promise<Answer>;

/** @throws PulseGateError, or the signal's reason */
export const makeTransport =
  (options: TransportOptions): Transport =>
  async (call, { signal, timeoutMs = options.timeoutMs, retries = options.retries } = {}) => {
    // Made once, before any try: a header that cannot be sent is no network error.
    const request = requestOf(call, options.headers);
    const url = `${options.baseUrl}${call.path}`;
    let mayBeDone = false;
    for (let n = 0; ; n += 1) {
      signal?.throwIfAborted();
      const result = await tryOnce(options.fetch, url, request, timeoutMs, signal);
      const isFailed = result instanceof PulseGateError;
      if (isFailed && mayBeDone && result.status === 404 && call.ifGone !== undefined) {
        return { status: 200, headers: new Headers(), text: call.ifGone };
      }
      mayBeDone ||= isFailed && (result.status === null || result.status >= 500);
      const retryAfterMs = isFailed
        ? result.retryAfterMs
        : retryAfterMsOf(result.headers, Date.now());
      const isWorthRepeating = isFailed
        ? isRepeatable(result.status)
        : call.isUnfinished?.(result) === true;
      const isLast = n >= retries || (retryAfterMs ?? 0) > options.maxRetryAfterMs;
      if (isLast || !isWorthRepeating) {
        if (isFailed) throw result;
        return result;
      }
      await sleep(backoffMs(n, retryAfterMs, options, Math.random()), signal);
    }
  };

const requestOf = (
  { method, body, idempotencyKey }: Call,
  given: Readonly<Record<string, string>>,
): RequestInit => {
  const headers = new Headers();
  // Like `new Headers(given)`, which would not say which of them it was.
  for (const [name, value] of Object.entries(given)) {
    orInvalid(`The header ${name}`, () => headers.append(name, value));
  }
  headers.set("accept", "application/json, application/problem+json");
  if (body !== undefined) headers.set("content-type", "application/json");
  if (idempotencyKey !== undefined) {
    orInvalid("The idempotency key", () => headers.set("idempotency-key", idempotencyKey));
  }
  // Followed, a redirect would make a GET of a POST and carry the caller's headers elsewhere.
  const init: RequestInit = { method, headers, redirect: "manual" };
  if (body !== undefined) init.body = body as string | Uint8Array<ArrayBuffer>;
  return init;
};

/** `fetch` sends no line breaks, and of other characters only those up to U+00FF. */
const orInvalid = (what: string, set: () => void): void => {
  try {
    set();
  } catch (error) {
    throw invalidArgument(`${what} holds what a header cannot carry.`, error);
  }
};

const tryOnce = async (
  fetch: TransportOptions["fetch"],
  url: string,
  request: RequestInit,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Answer | PulseGateError> => {
  const deadline = withDeadline(timeoutMs, signal);
  try {
    const response = await fetch(url, { ...request, signal: deadline.signal });
    const { status, headers } = response;
    const answer: Answer = { status, headers, text: await response.text() };
    return status >= 200 && status < 300 ? answer : errorOfAnswer(answer);
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.isOver()) {
      return errorWithoutAnswer("timeout", `No answer within ${timeoutMs} ms from ${url}.`);
    }
    return errorWithoutAnswer("network", `No answer from ${url}: ${reasonOf(error)}.`, error);
  } finally {
    deadline.clear();
  }
};

/** `fetch failed` says nothing; what failed stands in its cause, whose message may be empty. */
const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.name;
  return cause.message === "" ? code : cause.message;
};
