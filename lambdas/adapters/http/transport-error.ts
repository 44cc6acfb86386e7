import type { TransportErrorCode } from "../../channels/channel.ts";
import { cutToBytes } from "../../core/rules/text.ts";
import { ForbiddenDestination } from "./safe-lookup.ts";

export class TimeLimit extends Error {
  constructor(limitMs: number) {
    super(`no complete answer within ${limitMs} ms`);
    this.name = "TimeLimit";
  }
}

export class AnswerCutOff extends Error {
  readonly code = "ECONNRESET";
  constructor() {
    super("the connection ended in the middle of the answer");
    this.name = "AnswerCutOff";
  }
}

export class ProtocolsSwitched extends Error {
  constructor() {
    super("the destination switched to another protocol, which nobody had asked for");
    this.name = "ProtocolsSwitched";
  }
}

export class TooManyInterimAnswers extends Error {
  constructor(limit: number) {
    super(`more than ${limit} interim answers came, and no answer`);
    this.name = "TooManyInterimAnswers";
  }
}

/** What went wrong with a request, in the words that an attempt's record uses. */
export const codeOf = (error: unknown): TransportErrorCode => {
  for (const cause of causesOf(error)) {
    if (cause instanceof ForbiddenDestination) return "forbidden_destination";
    if (cause instanceof TimeLimit) return "timeout";
    if ("syscall" in cause && cause.syscall === "getaddrinfo") return "dns";
    const code = systemCodeOf(cause);
    const known = CODES.find(([pattern]) => pattern.test(code));
    if (known) return known[1];
  }
  return "protocol";
};

const CODES: readonly (readonly [RegExp, TransportErrorCode])[] = [
  [/^(ENOTFOUND|EAI_\w+)$/, "dns"],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|ETIMEDOUT|EHOSTDOWN|ENETDOWN)$/,
    "connect",
  ],
  [/^(EACCES|EPERM|EINVAL)$/, "connect"],
  [
    /^(ERR_TLS_\w+|ERR_SSL_\w+|EPROTO|CERT_\w+|UNABLE_TO_\w+|\w*SELF_SIGNED\w*|DEPTH_ZERO\w+|HOSTNAME_MISMATCH)$/,
    "tls",
  ],
  [/^(ECONNRESET|EPIPE)$/, "reset"],
];

export const textOf = (error: unknown): string => {
  const innermost = [...causesOf(error)].at(-1);
  const said = reasonOf(innermost).replace(/\s+/g, " ").trim() || systemCodeOf(innermost);
  return cutToBytes(said, MAX_TEXT_BYTES) || "the request failed";
};

/** The job keeps it too, in its one kilobyte. */
const MAX_TEXT_BYTES = 160;

/**
 * OpenSSL's messages name a thread and a source file, around the reason that a reader needs; Node
 * adds to some of them how to start Node.
 */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "";
  if ("reason" in error && typeof error.reason === "string") return error.reason;
  const ofOpenSsl = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/.exec(error.message)?.[1];
  return ofOpenSsl ?? error.message.replace(/; if the root CA is installed locally.*/s, "");
};

/** The error, and what it was caused by; of several tries to connect, the first one's. */
function* causesOf(error: unknown): Generator<Error, undefined> {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; depth += 1) {
    yield cause;
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  }
  return undefined;
}

const systemCodeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";
