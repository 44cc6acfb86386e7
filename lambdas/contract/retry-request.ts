import * as z from "zod";
import { defaultRetryPolicy } from "../core/rules/backoff.ts";
import type { RetryPolicy } from "../core/rules/backoff.ts";

const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 24 * 3_600_000;
const DEFAULT_MAX_ATTEMPTS = 8;
const DEFAULT_BASE_DELAY_MS = 500;
const DEFAULT_MAX_DELAY_MS = 30_000;

const delayMs = z.int().min(MIN_DELAY_MS).max(MAX_DELAY_MS);

/** How a failed attempt is repeated, as a caller says it; read as attempts and a policy. */
export const retryRequest = z
  .strictObject({
    max_attempts: z
      .int()
      .min(1)
      .max(50)
      .meta({
        description: `How many attempts at most. Left out: ${DEFAULT_MAX_ATTEMPTS}, or one more than \`schedule_ms\` has delays.`,
      })
      .optional(),
    schedule_ms: z
      .array(delayMs)
      .min(1)
      .max(49)
      .meta({
        description:
          "The delays between attempts, in milliseconds; the last one is repeated where attempts go on.",
      })
      .optional(),
    base_delay_ms: z
      .int()
      .min(MIN_DELAY_MS)
      .max(3_600_000)
      .meta({
        description: `The first delay, in milliseconds; each further one is twice the last. ${DEFAULT_BASE_DELAY_MS} if only \`max_delay_ms\` is given.`,
      })
      .optional(),
    max_delay_ms: z
      .int()
      .max(MAX_DELAY_MS)
      .meta({
        description: `Where the doubling ends, in milliseconds; at least \`base_delay_ms\`. Left out: ${DEFAULT_MAX_DELAY_MS}, or \`base_delay_ms\` if that is more.`,
        // The least that is at least the least base.
        minimum: MIN_DELAY_MS,
      })
      .optional(),
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
  }))
  .meta({
    description:
      "Left out, or without delays: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h. Either `schedule_ms`, or `base_delay_ms` and `max_delay_ms`. Each delay is drawn from its upper half.",
    not: {
      anyOf: [
        { required: ["schedule_ms", "base_delay_ms"] },
        { required: ["schedule_ms", "max_delay_ms"] },
      ],
    },
  });

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
