import { problemCodes } from "../core/errors.ts";
import type { Problem } from "../core/errors.ts";

const DOCS = "https://github.com/pulsegate/pulsegate/blob/main/docs/errors.md";

/** RFC 9457, with our code, the request's id and every mistake. */
export const problemDocument = (problem: Problem, requestId: string) => ({
  type: `${DOCS}#${problem.code}`,
  title: problemCodes[problem.code].title,
  status: problemCodes[problem.code].status,
  detail: problem.message,
  code: problem.code,
  request_id: requestId,
  errors: problem.mistakes,
});

export const problemHeaders = (problem: Problem): Record<string, string> => ({
  "content-type": "application/problem+json",
  ...(problem.retryAfterSeconds === undefined
    ? {}
    : { "retry-after": String(problem.retryAfterSeconds) }),
  ...(problem.allow === undefined ? {} : { allow: problem.allow.join(", ") }),
});
