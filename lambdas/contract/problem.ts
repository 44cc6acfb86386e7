import { problemCodes } from "../core/errors.ts";
import type { Mistake, Problem } from "../core/errors.ts";
import type { ProblemView } from "./views.ts";

const DOCS = "https://github.com/pulsegate/pulsegate/blob/main/docs/errors.md";

/** RFC 9457, with our code, the request's id and every mistake. */
export const problemDocument = (problem: Problem, requestId: string): ProblemView => ({
  type: `${DOCS}#${problem.code}`,
  title: problemCodes[problem.code].title,
  status: problemCodes[problem.code].status,
  detail: problem.message,
  code: problem.code,
  request_id: requestId,
  errors: problem.mistakes.slice(0, MAX_MISTAKES).map(shortened),
});

/**
 * An answer stays small, whatever was sent: a key of 100,000 characters that holds 60,000 mistakes
 * would otherwise be answered with gigabytes.
 */
const MAX_MISTAKES = 50;
const MAX_POINTER_LENGTH = 256;

const shortened = (mistake: Mistake): Mistake => {
  const detail = cut(mistake.detail);
  if ("pointer" in mistake) return { pointer: cut(mistake.pointer), detail };
  if ("header" in mistake) return { header: mistake.header, detail };
  return { parameter: cut(mistake.parameter), detail };
};

const cut = (text: string): string =>
  text.length > MAX_POINTER_LENGTH ? `${text.slice(0, MAX_POINTER_LENGTH).toWellFormed()}…` : text;

export const problemHeaders = (problem: Problem): Record<string, string> => ({
  "content-type": "application/problem+json",
  ...(problem.retryAfterSeconds === undefined
    ? {}
    : { "retry-after": String(problem.retryAfterSeconds) }),
  ...(problem.allow === undefined ? {} : { allow: problem.allow.join(", ") }),
});
