/** The one table of refusals. docs/errors.md has a heading for each, held to this by a test. */
export const problemCodes = {
  invalid_input: { status: 400, title: "The request is not valid" },
  not_found: { status: 404, title: "There is no such thing" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  idempotency_conflict: { status: 409, title: "The idempotency key belongs to another request" },
  invalid_state: { status: 409, title: "The present state does not allow this" },
  payload_too_large: { status: 413, title: "The request is too large" },
  unsupported_media_type: { status: 415, title: "The content type is not supported" },
  rate_limited: { status: 429, title: "Too much at once" },
  internal: { status: 500, title: "Something went wrong on our side" },
  unavailable: { status: 503, title: "The service cannot answer now" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problemCodes;

/** One mistake of a request, and where it stands. `pointer` is an RFC 6901 pointer without `#`. */
export type Mistake =
  | { readonly pointer: string; readonly detail: string }
  | { readonly header: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string };

export interface ProblemDetails {
  readonly mistakes?: readonly Mistake[];
  readonly retryAfterSeconds?: number;
  readonly allow?: readonly string[];
  readonly cause?: unknown;
}

/** A refusal that the caller is told of: thrown by whoever finds it, written by the middleware. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly mistakes: readonly Mistake[];
  readonly retryAfterSeconds: number | undefined;
  readonly allow: readonly string[] | undefined;

  constructor(code: ProblemCode, detail: string, details: ProblemDetails = {}) {
    super(detail, { cause: details.cause });
    this.name = "Problem";
    this.code = code;
    this.mistakes = details.mistakes ?? [];
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.allow = details.allow;
  }
}
