import * as z from "zod";
import { bounded, wholeNumber } from "../channels/whole-number.ts";
import { bucketOf } from "../core/rules/rate-limit.ts";
import type { Pace } from "../core/rules/rate-limit.ts";
import { codePointLength } from "../core/rules/text.ts";

const MIN_RPS = 0.001;
const MAX_RPS = 10_000;
const MAX_BURST = 10_000;
const MAX_KEY_LENGTH = 128;

const rpsBound = bounded(`a number from ${MIN_RPS} to ${MAX_RPS}`);

/** How fast jobs may start that share a bucket, as a caller says it. */
export const rateLimitRequest = z
  .strictObject({
    rps: z
      .number({ error: rpsBound })
      .min(MIN_RPS, { error: rpsBound })
      .max(MAX_RPS, { error: rpsBound })
      .meta({ description: "How many may start in a second; a fraction is as good." }),
    burst: wholeNumber(1, MAX_BURST)
      .meta({
        description:
          "How many may start at once after a pause. Left out: `rps`, rounded up to a whole number.",
      })
      .optional(),
    key: z
      .string()
      .refine((key) => {
        const length = codePointLength(key);
        return length >= 1 && length <= MAX_KEY_LENGTH;
      }, `must be 1 to ${MAX_KEY_LENGTH} characters`)
      .meta({
        description:
          "Jobs of the tenant with this key share a bucket, whatever their destination. Left out: those share one that have the same destination, but for the query.",
        minLength: 1,
        maxLength: MAX_KEY_LENGTH,
        pattern: "^[^\\u0000]*$",
      })
      .optional(),
  })
  .meta({
    description:
      "No more than this many jobs start. What has to wait is started at its turn, and neither uses up an attempt nor holds up others.",
  });

/** The rate limit of a job that asks for one, with its defaults filled in. */
export const paceOf = (
  {
    tenant_id: tenantId,
    rate_limit: limit,
  }: {
    readonly tenant_id: string;
    readonly rate_limit?: z.output<typeof rateLimitRequest> | undefined;
  },
  destinationKey: string,
): Pace | null => {
  if (!limit) return null;
  const { rps, burst = Math.ceil(rps), key } = limit;
  return { bucket: key === undefined ? destinationKey : bucketOf(tenantId, key), rps, burst };
};
