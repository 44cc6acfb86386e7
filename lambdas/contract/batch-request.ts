import * as z from "zod";
import { bounded } from "../channels/whole-number.ts";
import { Problem } from "../core/errors.ts";
import type { AllowList } from "../core/rules/destination-policy.ts";
import { readEnvelope } from "../core/rules/json-text.ts";
import { isPayload, parseJobRequest } from "./job-request.ts";
import type { ParsedJobRequest } from "./job-request.ts";
import { mistakesOf } from "./mistakes.ts";
import { plainText } from "./plain-text.ts";
import type { JsonBody } from "./request-body.ts";

/** The whole body of a batch, in bytes. */
export const MAX_BATCH_BYTES = 3 * 1_024 * 1_024;
export const MAX_BATCH_JOBS = 100;

/** Each job of a batch is read on its own, so its mistakes are its own. */
export const isBatchItem = (path: readonly (string | number)[]): boolean =>
  path.length === 2 && path[0] === "jobs" && typeof path[1] === "number";

const jobsBound = bounded(`an array of 1 to ${MAX_BATCH_JOBS} jobs`);
const envelope = z.strictObject({
  jobs: z
    .array(z.unknown(), { error: jobsBound })
    .min(1, { error: jobsBound })
    .max(MAX_BATCH_JOBS, { error: jobsBound }),
});

/**
 * The jobs of a batch, in the order sent: each as it was read, or what is wrong with it.
 *
 * @throws Problem `invalid_input` for faults of the envelope, which refuse the whole
 */
export const parseBatchRequest = (
  body: JsonBody,
  context: { readonly nowMs: number; readonly allow: AllowList },
): readonly (ParsedJobRequest | Problem)[] => {
  const parsed = envelope.safeParse(body.value, { error: plainText });
  const mistakes = [...body.mistakes, ...(parsed.success ? [] : mistakesOf(parsed.error))];
  if (!parsed.success || mistakes.length > 0) {
    throw new Problem("invalid_input", "The batch is not valid.", { mistakes });
  }
  return parsed.data.jobs.map((_, index) => {
    const text = body.opaqueTexts.get(`/jobs/${index}`) ?? "";
    try {
      return parseJobRequest({ text, ...readEnvelope(text, isPayload) }, context);
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  });
};
