import * as z from "zod";
import { channelOf } from "../channels/index.ts";
import { stringPairs } from "../channels/string-pairs.ts";
import { Problem } from "../core/errors.ts";
import type { Mistake } from "../core/errors.ts";
import type { AllowList } from "../core/rules/destination-policy.ts";
import type { JobRequest } from "../core/rules/job.ts";
import { meaningOf } from "../core/rules/json-text.ts";
import { destinationKeyOf } from "../core/rules/rate-limit.ts";
import { parseRfc3339 } from "../core/rules/rfc3339.ts";
import { codePointLength } from "../core/rules/text.ts";
import { mistakesOf } from "./mistakes.ts";
import { plainText } from "./plain-text.ts";
import { MAX_PAYLOAD_BYTES } from "./request-body.ts";
import type { JsonBody } from "./request-body.ts";
import { paceOf, rateLimitRequest } from "./rate-limit-request.ts";
import { retryRequest } from "./retry-request.ts";

/** RFC 3339 begins with the year 0: what is east of Greenwich then could not be shown in UTC. */
const FIRST_TIME_MS = Date.parse("0000-01-01T00:00:00Z");
const MAX_AHEAD_MS = 366 * 24 * 3_600_000;

/** Text is well-formed Unicode without U+0000: the reader of the body sees to it. */
const WITHOUT_NUL = "^[^\\u0000]*$";

/** The payload is the job's own business: nobody looks into it. */
export const isPayload = (path: readonly (string | number)[]): boolean =>
  path.length === 1 && path[0] === "payload";

export interface ParsedJobRequest {
  readonly request: JobRequest;
  /** What the request means, in hex: two spellings of one meaning share it. */
  readonly hash: string;
}

/**
 * A job as it was sent.
 *
 * @throws Problem `payload_too_large`, else `invalid_input` with every mistake at once
 */
export const parseJobRequest = (
  body: JsonBody,
  { nowMs, allow }: { readonly nowMs: number; readonly allow: AllowList },
): ParsedJobRequest => {
  const payload = body.opaqueTexts.get("/payload");
  const payloadBytes = payload === undefined ? null : Buffer.from(payload, "utf8");
  if (payloadBytes && payloadBytes.length > MAX_PAYLOAD_BYTES) {
    throw new Problem(
      "payload_too_large",
      `The payload may have ${MAX_PAYLOAD_BYTES} bytes at most.`,
      {
        mistakes: [{ pointer: "/payload", detail: `is longer than ${MAX_PAYLOAD_BYTES} bytes` }],
      },
    );
  }
  const parsed = jobSchema(typeOf(body.value), { nowMs, allow }).safeParse(body.value, {
    error: plainText,
  });
  const mistakes = [...body.mistakes, ...(parsed.success ? [] : mistakesOf(parsed.error))];
  if (isGetWithPayload(body))
    mistakes.push({ pointer: "/payload", detail: "cannot be sent with GET" });
  if (!parsed.success || mistakes.length > 0) throw invalidInput(mistakes);

  const { destination, headers } = parsed.data.destination;
  const { max_attempts: maxAttempts, policy } = parsed.data.retry;
  const address = channelOf(parsed.data.type).addressOf(destination);
  const destinationKey = destinationKeyOf(parsed.data.tenant_id, address);
  return {
    request: {
      tenantId: parsed.data.tenant_id,
      type: parsed.data.type,
      priority: parsed.data.priority,
      destination,
      destinationKey,
      pace: paceOf(parsed.data, destinationKey),
      executeAtMs: parsed.data.execute_at ?? null,
      dedupeKey: parsed.data.dedupe_key ?? null,
      maxAttempts,
      retry: policy,
      metadata: parsed.data.metadata,
      content: { body: payloadBytes, headers },
    },
    hash: meaningOf(body.text).subarray(0, 16).toString("hex"),
  };
};

const invalidInput = (mistakes: readonly Mistake[]): Problem =>
  new Problem("invalid_input", "The job is not valid.", { mistakes });

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;

const typeOf = (value: unknown): string => {
  const type = memberOf(value, "type");
  return typeof type === "string" ? type : "";
};

const isGetWithPayload = ({ value, opaqueTexts }: JsonBody): boolean =>
  opaqueTexts.has("/payload") && memberOf(memberOf(value, "destination"), "method") === "GET";

export const tenantId = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, "must be 1 to 64 characters of A-Z a-z 0-9 _ . -")
  .meta({ description: "Whose job it is." });

export const jobType = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,128}$/, "must be 1 to 128 characters of A-Z a-z 0-9 _ . : -")
  .meta({
    description:
      "What kind of job it is: `webhook.dispatch`. A type that nothing serves is accepted, and ends `failed`.",
  });

/** The job as a caller sends it, to the letter: the API's description is printed from it. */
export const jobSchema = (
  type: string,
  { nowMs, allow }: { readonly nowMs: number; readonly allow: AllowList },
) =>
  z.strictObject({
    tenant_id: tenantId,
    type: jobType,
    payload: payload.optional(),
    destination: channelOf(type).destination(allow),
    dedupe_key: dedupeKey.optional(),
    execute_at: executeAt(nowMs).optional(),
    retry: retryRequest.prefault({}),
    rate_limit: rateLimitRequest.optional(),
    priority: priority.default("normal"),
    metadata: metadata.prefault({}),
  });

const payload = z.unknown().meta({
  description: `Any JSON, of at most ${MAX_PAYLOAD_BYTES} bytes as it was sent. It is not looked into, and delivered byte for byte. Left out: the body is empty. Not together with the method \`GET\`.`,
});

const priority = z.enum(["high", "normal", "low"]).meta({
  description: "Which queue it waits in: one that is full does not hold up the others.",
});

const MAX_DEDUPE_KEY_LENGTH = 256;

const dedupeKey = z
  .string()
  .refine((key) => {
    const length = codePointLength(key);
    return length >= 1 && length <= MAX_DEDUPE_KEY_LENGTH;
  }, `must be 1 to ${MAX_DEDUPE_KEY_LENGTH} characters`)
  .meta({
    description:
      "A second job of the tenant with this key is the first one, for an hour from its creation (a setting). A cancelled job frees its key. Compared code point by code point.",
    minLength: 1,
    maxLength: MAX_DEDUPE_KEY_LENGTH,
    pattern: WITHOUT_NUL,
  });

const executeAtText = z.string().meta({
  description:
    "Not before this time, up to 366 days ahead; in the past means now. RFC 3339 with an offset, in upper or lower case; what is finer than a millisecond is rounded up.",
  format: "date-time",
  // `format` alone is read differently by every validator.
  pattern:
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
});

const executeAt = (nowMs: number) =>
  executeAtText.transform((text, context) => {
    const atMs = parseRfc3339(text);
    const fault =
      atMs === undefined
        ? "must be an RFC 3339 time with an offset, such as 2026-02-02T12:00:00Z"
        : atMs < FIRST_TIME_MS
          ? "must not be before the year 0 in UTC"
          : atMs > nowMs + MAX_AHEAD_MS
            ? "must be at most 366 days ahead"
            : undefined;
    if (atMs !== undefined && fault === undefined) return atMs;
    context.addIssue({ code: "custom", message: fault ?? "" });
    return z.NEVER;
  });

const MAX_METADATA = 20;
const MAX_METADATA_BYTES = 2_048;
const MAX_METADATA_NAME_LENGTH = 64;

const metadata = stringPairs((pairs, complain) => {
  for (const [name] of pairs) {
    const length = codePointLength(name);
    if (length < 1 || length > MAX_METADATA_NAME_LENGTH) {
      complain(`must have a name of 1 to ${MAX_METADATA_NAME_LENGTH} characters`, name);
    }
  }
  if (pairs.length > MAX_METADATA) complain(`must be at most ${MAX_METADATA} pairs`);
  const bytes = pairs.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  if (bytes > MAX_METADATA_BYTES) complain(`must be at most ${MAX_METADATA_BYTES} bytes together`);
}).meta({
  description: `Strings of the caller's own, at most ${MAX_METADATA_BYTES} bytes of names and values together. \`trace_id\` goes into the logs.`,
  type: "object",
  maxProperties: MAX_METADATA,
  propertyNames: { minLength: 1, maxLength: MAX_METADATA_NAME_LENGTH, pattern: WITHOUT_NUL },
  additionalProperties: { type: "string", pattern: WITHOUT_NUL },
});
