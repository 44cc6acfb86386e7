import { statusOf } from "../core/rules/job.ts";
import type { AttemptRecord, Job, JobContent } from "../core/rules/job.ts";
import type { AttemptView, JobView, JobWithContentView } from "./views.ts";

/** A job as it is shown: what does not apply is null, never missing. */
export const jobView = (job: Job, nowMs: number): JobView => ({
  id: job.id,
  tenant_id: job.tenantId,
  type: job.type,
  status: statusOf(job, nowMs),
  priority: job.priority,
  created_at: isoTime(job.createdAtMs),
  updated_at: isoTime(job.updatedAtMs),
  execute_at: job.executeAtMs === null ? null : isoTime(job.executeAtMs),
  next_attempt_at: job.state === "waiting" ? isoTime(Math.max(job.dueAtMs, job.createdAtMs)) : null,
  attempts: job.attempts,
  max_attempts: job.maxAttempts,
  last_error: job.lastError,
  destination: { url: job.destination.url, method: job.destination.method },
  dedupe_key: job.dedupeKey,
  // fromEntries defines own members, also one that is called __proto__.
  metadata: Object.fromEntries(job.metadata),
});

/** What of a header's value nobody may read back, by the header's name. */
const SECRET_HEADER = /^(authorization|cookie)$|auth|token|secret|key|password|signature/i;

/**
 * The text of a job's view with its content: the payload stands in it byte for byte as it was sent,
 * which no printer could do.
 */
export const jobViewWithContent = (job: Job, content: JobContent, nowMs: number): string => {
  const view = jobView(job, nowMs);
  const headers = Object.fromEntries(
    content.headers.map(([name, value]) => [name, SECRET_HEADER.test(name) ? "***" : value]),
  );
  const text = JSON.stringify({
    ...view,
    destination: { ...view.destination, headers },
  } satisfies JobWithContentView);
  if (content.body === null) return text;
  return `${text.slice(0, -1)},"payload":${Buffer.from(content.body).toString("utf8")}}`;
};

export const attemptView = (attempt: AttemptRecord): AttemptView => ({
  n: attempt.n,
  started_at: isoTime(attempt.startedAtMs),
  finished_at: isoTime(attempt.finishedAtMs),
  duration_ms: attempt.finishedAtMs - attempt.startedAtMs,
  status: attempt.status,
  http_status: attempt.httpStatus,
  error: attempt.error,
  response_excerpt: attempt.responseExcerpt,
});

const isoTime = (ms: number): string => new Date(ms).toISOString();
