import { Problem } from "../core/errors.ts";
import type { Mistake } from "../core/errors.ts";
import { openCursor, sealCursor } from "../core/rules/cursor.ts";
import { isJobId } from "../core/rules/ids.ts";

/**
 * A request's query parameters, read from the raw string: the gateway joins repeated ones by comma,
 * which hides that they were repeated. A mistake for each that is unknown, repeated or empty.
 */
export const scanQuery = <N extends string>(
  rawQueryString: string,
  names: readonly N[],
): { readonly query: Partial<Record<N, string>>; readonly mistakes: readonly Mistake[] } => {
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
  return { query, mistakes };
};

/** @throws Problem `invalid_input` with every mistake of `scanQuery` */
export const readQuery = <N extends string>(
  rawQueryString: string,
  names: readonly N[],
): Partial<Record<N, string>> => {
  const { query, mistakes } = scanQuery(rawQueryString, names);
  if (mistakes.length > 0) {
    throw new Problem("invalid_input", "The query is not valid.", { mistakes });
  }
  return query;
};

const DEFAULT_LIMIT = 50;

/** A whole number from 1 to 100, plainly written, or `undefined` if the text is none. */
export const parseLimit = (text: string | undefined): number | undefined => {
  if (text === undefined) return DEFAULT_LIMIT;
  return /^([1-9]\d?|100)$/.test(text) ? Number(text) : undefined;
};

/**
 * Which attempts of a job are asked for.
 *
 * @throws Problem `invalid_input` with every mistake at once
 */
export const parseAttemptsQuery = (
  rawQueryString: string,
  jobId: string,
  secret: Uint8Array,
): { readonly limit: number; readonly afterN: number } => {
  const { query, mistakes: found } = scanQuery(rawQueryString, ["limit", "cursor"]);
  const limit = parseLimit(query.limit);
  const position =
    query.cursor === undefined ? "0" : openCursor(secret, ["attempts", jobId], query.cursor);
  const mistakes: Mistake[] = [
    ...found,
    ...(limit === undefined
      ? [{ parameter: "limit", detail: "must be a whole number from 1 to 100" }]
      : []),
    ...(position === undefined
      ? [{ parameter: "cursor", detail: "is not a cursor of this list" }]
      : []),
  ];
  if (mistakes.length > 0 || limit === undefined || position === undefined) {
    throw new Problem("invalid_input", "The query is not valid.", { mistakes });
  }
  return { limit, afterN: Number(position) };
};

export const attemptsCursor = (
  jobId: string,
  lastN: number,
  secret: Uint8Array,
  nonce: Uint8Array,
): string => sealCursor(secret, ["attempts", jobId], String(lastN), nonce);

/** @throws Problem `not_found`: an id of any other form is a job that does not exist */
export const parseJobId = (text: string | undefined): string => {
  if (text !== undefined && isJobId(text)) return text;
  throw noSuchJob();
};

export const noSuchJob = (): Problem => new Problem("not_found", "There is no such job.");

/** Whether a job is asked for with its payload. @throws Problem `invalid_input` */
export const parseInclude = (rawQueryString: string): boolean => {
  const { include } = readQuery(rawQueryString, ["include"]);
  if (include === undefined || include === "payload") return include !== undefined;
  throw new Problem("invalid_input", "The query is not valid.", {
    mistakes: [{ parameter: "include", detail: "must be payload" }],
  });
};
