import type { PlannedJob } from "./planned-job.ts";
import type { Shrunk } from "./shrink.ts";
import type { TraceLine } from "./trace.ts";

/** What happened to the job whose promise was broken, in words. */
export const storyOf = ({ plan, result }: Shrunk): string => {
  const jobIds = new Set(result.violations.map(({ jobId }) => jobId).filter((id) => id !== ""));
  const told = result.lines.filter(({ place, text }) =>
    [...jobIds].some((id) => place.includes(id) || text.includes(id)),
  );
  const lines = told.length > 0 ? told : result.lines;
  return [
    `Broken: ${result.violations.map(({ jobId, what }) => `${what} ${jobId}`.trim()).join("; ")}`,
    "",
    ...plan.jobs.map((job) => asked(job)),
    ...plan.outages.map(
      ({ service, fromMs, untilMs }) =>
        `${service} is out of order from ${at(fromMs)} to ${at(untilMs)}`,
    ),
    "",
    ...lines.map((line) => told1(line, plan.startMs)),
  ].join("\n");
};

const told1 = ({ atMs, place, text }: TraceLine, startMs: number): string =>
  `${at(atMs - startMs)}  ${shortened(place)}: ${text}`;

const asked = (job: PlannedJob): string =>
  [
    `job ${job.ordinal} of ${job.tenantId} is posted ${job.posts > 1 ? `${job.posts} times ` : ""}at ${at(job.postAtMs)}`,
    job.idempotencyKey === undefined ? "without a key" : "with a key",
    ...(job.dedupeKey === null ? [] : [`with ${job.dedupeKey}`]),
    ...(job.executeAfterMs === null ? [] : [`for ${at(job.postAtMs + job.executeAfterMs)}`]),
    `max_attempts ${job.maxAttempts}`,
    ...(job.cancelAfterMs === null ? [] : [`cancelled at ${at(job.postAtMs + job.cancelAfterMs)}`]),
    ...job.retryAfterMs.map((ms) => `retried at ${at(job.postAtMs + ms)}`),
    `its requests end: ${job.answers.join(", ")}`,
  ].join(", ");

const at = (ms: number): string => `${(ms / 1_000).toFixed(3)} s`;

const shortened = (place: string): string =>
  place
    .replaceAll(
      /\{"id":"(job_\w+)","p":"(\w+)","g":(\d+),"a":(\d+)[^}]*\}/g,
      "message of $1 (g $3, a $4)",
    )
    .replaceAll("JOB#", "")
    .slice(0, 160);
