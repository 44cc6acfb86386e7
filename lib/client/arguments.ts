import { errorWithoutAnswer } from "./error.ts";
import type { JobRequest } from "./job-request.ts";

/** What a caller handed in, checked before anything is sent. */

/** JSON as text is sent as it stands, the payload in it byte for byte. */
export type JobInput = JobRequest | string;

/**
 * Where a job is. An id is one step of the path and nothing else: the gateway decodes a path before
 * it looks for the route, so that `job_…%2Fcancel` would cancel. What comes after `job_` is opaque.
 *
 * @throws PulseGateError `invalid_argument`
 */
export const jobPath = (id: string): string => {
  if (typeof id === "string" && /^job_\w+$/.test(id)) return `/v1/jobs/${id}`;
  const shown = typeof id === "string" ? JSON.stringify(id) : typeof id;
  throw invalidArgument(`${shown} is no job's id: one is job_ and letters and digits.`);
};

/** @throws PulseGateError `invalid_argument` if it has no JSON, as `undefined` and `10n` have none */
export const jsonOf = (job: JobInput): string => {
  if (typeof job === "string") return job;
  let text: string | undefined;
  try {
    text = JSON.stringify(job);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidArgument(`The job cannot be written as JSON: ${why}.`, error);
  }
  if (text === undefined) throw invalidArgument(`The job must not be ${typeof job}.`);
  return text;
};

export const invalidArgument = (detail: string, cause?: unknown) =>
  errorWithoutAnswer("invalid_argument", detail, cause);
