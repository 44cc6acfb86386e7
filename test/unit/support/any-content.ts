import * as fc from "fast-check";
import type { JobContent } from "../../../lambdas/core/rules/job.ts";

const text = fc.string({ unit: "binary", maxLength: 20 });

/** Names and values of headers or metadata. */
export const pairs = fc.array(fc.tuple(fc.oneof(text, fc.constant("__proto__")), text), {
  maxLength: 5,
});

export const anyContent: fc.Arbitrary<JobContent> = fc.record({
  body: fc.option(fc.uint8Array({ minLength: 1, maxLength: 2_000, size: "max" })),
  headers: pairs,
});
