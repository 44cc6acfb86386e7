import type { Mistake, ProblemView } from "./views.ts";
import { retryAfterMsOf } from "./backoff.ts";

/**
 * The API's own codes (docs/errors.md), and those of a call that was never sent, or whose answer
 * never came or made no sense.
 */
export type ErrorCode =
  | "invalid_input"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "idempotency_conflict"
  | "invalid_state"
  | "payload_too_large"
  | "unsupported_media_type"
  | "rate_limited"
  | "internal"
  | "unavailable"
  /** Nothing was sent: an id that is none, a job that has no JSON, a header that cannot be sent. */
  | "invalid_argument"
  /** No answer came: refused, reset, no such host. */
  | "network"
  /** No answer came in time. */
  | "timeout"
  /** Something answered that is no PulseGate. */
  | "unexpected_answer";

interface Details {
  readonly code: string;
  readonly status: number | null;
  readonly request_id: string | null;
  readonly errors: readonly Mistake[];
  readonly retryAfterMs: number | null;
  readonly cause?: unknown;
}

/** A call that was refused or failed for good, after whatever repeats it was worth. */
export class PulseGateError extends Error {
  /** An {@link ErrorCode}, or a newer one that the API knows and this client does not. */
  readonly code: ErrorCode | (string & {});
  /** The HTTP status; `null` if no answer came. */
  readonly status: number | null;
  /** Under which the API's log has more; `null` if no answer came. */
  readonly request_id: string | null;
  /** Every mistake of the request, each with its pointer, header or parameter. */
  readonly errors: readonly Mistake[];
  /** How long the API asks to be left alone. */
  readonly retryAfterMs: number | null;
  /**
   * What the call was sent with. A call whose answer was lost may have been carried out: the same
   * call with this key finds out, and does nothing twice. `null` for calls that take none.
   */
  idempotencyKey: string | null = null;

  constructor(detail: string, { code, status, request_id, errors, retryAfterMs, cause }: Details) {
    super(detail, cause === undefined ? {} : { cause });
    this.name = "PulseGateError";
    this.code = code;
    this.status = status;
    this.request_id = request_id;
    this.errors = errors;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What the gateway refuses by itself is plain JSON, and treated like these (docs/errors.md). */
const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_input",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  413: "payload_too_large",
  415: "unsupported_media_type",
  429: "rate_limited",
  431: "payload_too_large",
  500: "internal",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** The error that an answer is: ours, the gateway's, or of whatever stands between. */
export const errorOfAnswer = ({
  status,
  headers,
  text,
}: {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}): PulseGateError => {
  const body = readObject(text);
  const requestId = headers.get("x-request-id") ?? headers.get("apigw-requestid");
  const own = typeof body["code"] === "string" ? (body as Partial<ProblemView>) : {};
  const detail = own.detail ?? own.title ?? body["message"];
  return new PulseGateError(typeof detail === "string" ? detail : `The answer was ${status}.`, {
    code: own.code ?? codesByStatus[status] ?? "unexpected_answer",
    status,
    request_id: own.request_id ?? requestId,
    errors: Array.isArray(own.errors) ? own.errors : [],
    retryAfterMs: retryAfterMsOf(headers, Date.now()),
  });
};

/** The error that no answer is. */
export const errorWithoutAnswer = (
  code: "invalid_argument" | "network" | "timeout",
  detail: string,
  cause?: unknown,
): PulseGateError =>
  new PulseGateError(detail, {
    code,
    status: null,
    request_id: null,
    errors: [],
    retryAfterMs: null,
    cause,
  });

const readObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};
