import { Problem } from "../core/errors.ts";
import type { Mistake } from "../core/errors.ts";

/**
 * Reads several parts of a request, so that the mistakes of all of them are listed at once.
 *
 * @throws Problem the first one that is not `invalid_input` (those come before it),
 * else one `invalid_input` with the mistakes of all parts
 */
export const together = <T extends readonly unknown[]>(
  ...reads: { readonly [K in keyof T]: () => T[K] }
): T => {
  const values: unknown[] = [];
  const problems: Problem[] = [];
  for (const read of reads) {
    try {
      values.push(read());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  const first = problems.find(({ code }) => code !== "invalid_input") ?? problems[0];
  if (!first) return values as unknown as T;
  if (first.code !== "invalid_input" || problems.length === 1) throw first;
  const mistakes: Mistake[] = problems.flatMap((problem) => problem.mistakes);
  throw new Problem("invalid_input", "The request is not valid.", { mistakes });
};
