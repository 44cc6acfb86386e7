import { Problem } from "../core/errors.ts";
import type { Mistake } from "../core/errors.ts";

/**
 * A request's query parameters, read from the raw string: the gateway joins repeated ones by comma,
 * which hides that they were repeated.
 *
 * @throws Problem `invalid_input` naming each that is unknown, repeated or empty
 */
export const readQuery = <N extends string>(
  rawQueryString: string,
  names: readonly N[],
): Partial<Record<N, string>> => {
  const parameters = new URLSearchParams(rawQueryString);
  const mistakes: Mistake[] = [];
  const query: Partial<Record<N, string>> = {};
  for (const parameter of new Set(parameters.keys())) {
    const [value = "", ...more] = parameters.getAll(parameter);
    const name = names.find((known) => known === parameter);
    if (name === undefined) mistakes.push({ parameter, detail: "is not a known parameter" });
    else if (more.length > 0) mistakes.push({ parameter, detail: "stands twice" });
    else if (value === "") mistakes.push({ parameter, detail: "must not be empty" });
    else query[name] = value;
  }
  if (mistakes.length > 0)
    throw new Problem("invalid_input", "The query is not valid.", { mistakes });
  return query;
};

const DEFAULT_LIMIT = 50;

/** @throws Problem `invalid_input` unless it is a whole number from 1 to 100, plainly written */
export const parseLimit = (text: string | undefined): number => {
  if (text === undefined) return DEFAULT_LIMIT;
  if (/^([1-9]\d?|100)$/.test(text)) return Number(text);
  throw new Problem("invalid_input", "The query is not valid.", {
    mistakes: [{ parameter: "limit", detail: "must be a whole number from 1 to 100" }],
  });
};

/** Where a page of attempts ended, opaque to its reader. It opens nothing: the job is looked up anew. */
export const attemptCursor = {
  encode: (afterN: number): string => Buffer.from(`n${afterN}`).toString("base64url"),

  /** @throws Problem `invalid_input` if it is not one of ours */
  decode: (cursor: string | undefined): number => {
    if (cursor === undefined) return 0;
    const afterN = /^n([1-9]\d{0,6})$/.exec(Buffer.from(cursor, "base64url").toString())?.[1];
    if (afterN !== undefined && attemptCursor.encode(Number(afterN)) === cursor)
      return Number(afterN);
    throw new Problem("invalid_input", "The query is not valid.", {
      mistakes: [{ parameter: "cursor", detail: "is not a cursor of this list" }],
    });
  },
};
