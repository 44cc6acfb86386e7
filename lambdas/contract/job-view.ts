import { statusOf } from "../core/rules/job.ts";
import type { AttemptRecord, Job } from "../core/rules/job.ts";

/** A job as it is shown: what does not apply is null, never missing. */
export const jobView = (job: Job, nowMs: number) => ({
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
  dedupe_key: null,
  // fromEntries defines own members, also one that is called __proto__.
  metadata: Object.fromEntries(job.metadata),
});

export const attemptView = (attempt: AttemptRecord) => ({
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
