import * as z from "zod";
import { channelOf } from "../channels/index.ts";
import { stringPairs } from "../channels/string-pairs.ts";
import { Problem } from "../core/errors.ts";
import type { Mistake } from "../core/errors.ts";
import { defaultRetryPolicy } from "../core/rules/backoff.ts";
import type { RetryPolicy } from "../core/rules/backoff.ts";
import type { AllowList } from "../core/rules/destination-policy.ts";
import type { JobRequest } from "../core/rules/job.ts";
import { meaningOf } from "../core/rules/json-text.ts";
import { parseRfc3339 } from "../core/rules/rfc3339.ts";
import { codePointLength } from "../core/rules/text.ts";
import { mistakesOf } from "./mistakes.ts";
import { MAX_PAYLOAD_BYTES } from "./request-body.ts";
import type { JsonBody } from "./request-body.ts";

const DAY_MS = 24 * 3_600_000;
const MAX_AHEAD_MS = 366 * DAY_MS;
const MAX_DELAY_MS = DAY_MS;
const DEFAULT_MAX_ATTEMPTS = 8;
const DEFAULT_BASE_DELAY_MS = 500;
const DEFAULT_MAX_DELAY_MS = 30_000;

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
  const parsed = jobSchema(typeOf(body.value), { nowMs, allow }).safeParse(body.value);
  const mistakes = [...body.mistakes, ...(parsed.success ? [] : mistakesOf(parsed.error))];
  if (isGetWithPayload(body))
    mistakes.push({ pointer: "/payload", detail: "cannot be sent with GET" });
  if (!parsed.success || mistakes.length > 0) throw invalidInput(mistakes);

  const { destination, headers } = parsed.data.destination;
  const { max_attempts: maxAttempts, policy } = parsed.data.retry;
  return {
    request: {
      tenantId: parsed.data.tenant_id,
      type: parsed.data.type,
      priority: parsed.data.priority,
      destination,
      executeAtMs: parsed.data.execute_at ?? null,
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

const jobSchema = (
  type: string,
  { nowMs, allow }: { readonly nowMs: number; readonly allow: AllowList },
) =>
  z.strictObject({
    tenant_id: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/, "must be 1 to 64 characters of A-Z a-z 0-9 _ . -"),
    type: z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,128}$/, "must be 1 to 128 characters of A-Z a-z 0-9 _ . : -"),
    payload: z.unknown().optional(),
    destination: channelOf(type).destination(allow),
    execute_at: executeAt(nowMs).optional(),
    retry: retry.prefault({}),
    priority: z.enum(["high", "normal", "low"]).default("normal"),
    metadata: metadata.default([]),
  });

const executeAt = (nowMs: number) =>
  z.string().transform((text, context) => {
    const atMs = parseRfc3339(text);
    const fault =
      atMs === undefined
        ? "must be an RFC 3339 time with an offset, such as 2026-02-02T12:00:00Z"
        : atMs > nowMs + MAX_AHEAD_MS
          ? "must be at most 366 days ahead"
          : undefined;
    if (atMs !== undefined && fault === undefined) return atMs;
    context.addIssue({ code: "custom", message: fault ?? "" });
    return z.NEVER;
  });

const retry = z
  .strictObject({
    max_attempts: z.int().min(1).max(50).optional(),
    schedule_ms: z.array(z.int().min(100).max(MAX_DELAY_MS)).min(1).max(49).optional(),
    base_delay_ms: z.int().min(100).max(3_600_000).optional(),
    max_delay_ms: z.int().max(MAX_DELAY_MS).optional(),
  })
  .superRefine(({ schedule_ms: schedule, base_delay_ms: base, max_delay_ms: max }, context) => {
    if (schedule && (base !== undefined || max !== undefined)) {
      context.addIssue({
        code: "custom",
        message: "has either schedule_ms or base_delay_ms and max_delay_ms",
      });
    }
    if (max !== undefined && max < (base ?? DEFAULT_BASE_DELAY_MS)) {
      context.addIssue({
        code: "custom",
        path: ["max_delay_ms"],
        message: "must be at least base_delay_ms",
      });
    }
  })
  .transform((given) => ({
    max_attempts:
      given.max_attempts ??
      (given.schedule_ms ? given.schedule_ms.length + 1 : DEFAULT_MAX_ATTEMPTS),
    policy: policyOf(given),
  }));

const policyOf = (given: {
  readonly schedule_ms?: readonly number[] | undefined;
  readonly base_delay_ms?: number | undefined;
  readonly max_delay_ms?: number | undefined;
}): RetryPolicy => {
  if (given.schedule_ms) return { kind: "schedule", delaysMs: given.schedule_ms };
  if (given.base_delay_ms === undefined && given.max_delay_ms === undefined)
    return defaultRetryPolicy;
  const baseMs = given.base_delay_ms ?? DEFAULT_BASE_DELAY_MS;
  return {
    kind: "doubling",
    baseMs,
    maxMs: given.max_delay_ms ?? Math.max(DEFAULT_MAX_DELAY_MS, baseMs),
  };
};

const MAX_METADATA = 20;
const MAX_METADATA_BYTES = 2_048;

const metadata = stringPairs().superRefine((pairs, context) => {
  for (const [name] of pairs) {
    const length = codePointLength(name);
    if (length < 1 || length > 64) {
      context.addIssue({
        code: "custom",
        path: [name],
        message: "must have a name of 1 to 64 characters",
      });
    }
  }
  if (pairs.length > MAX_METADATA) {
    context.addIssue({ code: "custom", message: `must be at most ${MAX_METADATA} pairs` });
  }
  const bytes = pairs.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  if (bytes > MAX_METADATA_BYTES) {
    context.addIssue({
      code: "custom",
      message: `must be at most ${MAX_METADATA_BYTES} bytes together`,
    });
  }
});
