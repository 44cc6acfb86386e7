import * as z from "zod";
import { bounded, wholeNumber } from "../channels/whole-number.ts";
import { defaultRetryPolicy } from "../core/rules/backoff.ts";
import type { RetryPolicy } from "../core/rules/backoff.ts";

const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 24 * 3_600_000;
const DEFAULT_MAX_ATTEMPTS = 8;
const DEFAULT_BASE_DELAY_MS = 500;
const DEFAULT_MAX_DELAY_MS = 30_000;

const MAX_DELAYS = 49;

const delayMs = wholeNumber(MIN_DELAY_MS, MAX_DELAY_MS);
const delaysBound = bounded(`an array of 1 to ${MAX_DELAYS} delays`);
const maxDelayBound = bounded(`a whole number of at most ${MAX_DELAY_MS}`);

/** Whether there is an object to judge as a whole, although single fields of it may be wrong. */
const isRead = ({ value }: { readonly value: unknown }): boolean =>
  typeof value === "object" && value !== null;

/** How a failed attempt is repeated, as a caller says it; read as attempts and a policy. */
export const retryRequest = z
  .strictObject({
    max_attempts: wholeNumber(1, 50)
      .meta({
        description: `How many attempts at most. Left out: ${DEFAULT_MAX_ATTEMPTS}, or one more than \`schedule_ms\` has delays.`,
      })
      .optional(),
    schedule_ms: z
      .array(delayMs, { error: delaysBound })
      .min(1, { error: delaysBound })
      .max(MAX_DELAYS, { error: delaysBound })
      .meta({
        description:
          "The delays between attempts, in milliseconds; the last one is repeated where attempts go on.",
      })
      .optional(),
    base_delay_ms: wholeNumber(MIN_DELAY_MS, 3_600_000)
      .meta({
        description: `The first delay, in milliseconds; each further one is twice the last. ${DEFAULT_BASE_DELAY_MS} if only \`max_delay_ms\` is given.`,
      })
      .optional(),
    max_delay_ms: z
      .int({ error: maxDelayBound, abort: true })
      .max(MAX_DELAY_MS, { error: maxDelayBound })
      .meta({
        description: `Where the doubling ends, in milliseconds; at least \`base_delay_ms\`. Left out: ${DEFAULT_MAX_DELAY_MS}, or \`base_delay_ms\` if that is more.`,
        // The least that is at least the least base.
        minimum: MIN_DELAY_MS,
      })
      .optional(),
  })
  // Said beside the mistakes of single fields, which zod would else report alone.
  .refine(
    ({ schedule_ms: schedule, base_delay_ms: base, max_delay_ms: max }) =>
      schedule === undefined || (base === undefined && max === undefined),
    { error: "has either schedule_ms or base_delay_ms and max_delay_ms", when: isRead },
  )
  .refine(
    ({ base_delay_ms: base = DEFAULT_BASE_DELAY_MS, max_delay_ms: max = MAX_DELAY_MS }) =>
      typeof base !== "number" || typeof max !== "number" || max >= base,
    { error: "must be at least base_delay_ms", path: ["max_delay_ms"], when: isRead },
  )
  .transform((given) => ({
    max_attempts:
      given.max_attempts ??
      (given.schedule_ms ? given.schedule_ms.length + 1 : DEFAULT_MAX_ATTEMPTS),
    policy: policyOf(given),
  }))
  .meta({
    description:
      "Left out, or without delays: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h. Either `schedule_ms`, or `base_delay_ms` and `max_delay_ms`. Each delay is drawn from its upper half.",
    dependentSchemas: {
      schedule_ms: { properties: { base_delay_ms: false, max_delay_ms: false } },
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
