import { defaultRetryPolicy } from "../../../lambdas/core/rules/backoff.ts";
import type { Job, JobContent } from "../../../lambdas/core/rules/job.ts";

/** An instant to count from: 2023-11-14T22:13:20.000Z. */
export const NOW_MS = 1_700_000_000_000;

export const JOB_ID = "job_01HF7YAT00ABCDEFGHJKMNPQRS";

/** A job as it is right after its creation, with what a test adds. */
export const aJob = (more: Partial<Job> = {}): Job => ({
  kind: "job",
  id: JOB_ID,
  requestHash: "000102030405060708090a0b0c0d0e0f",
  tenantId: "t1",
  type: "webhook.dispatch",
  priority: "normal",
  destination: { url: "https://receiver.example/hook", method: "POST", timeoutMs: 10_000 },
  destinationKey: "t1#AAAAAAAAAAAAAAAA",
  pace: null,
  executeAtMs: null,
  dedupeKey: null,
  maxAttempts: 8,
  retry: defaultRetryPolicy,
  metadata: [],
  state: "waiting",
  generation: 0,
  attempts: 0,
  earlierAttempts: 0,
  createdAtMs: NOW_MS,
  updatedAtMs: NOW_MS,
  dueAtMs: 0,
  lease: null,
  lastError: null,
  closedAttempts: [],
  success: null,
  fenced: 0,
  retryKeys: [],
  expiresAtMs: null,
  ...more,
});

export const leaseLeft = (leftMs: number) => ({
  token: "claim-token",
  claimedAtMs: NOW_MS + leftMs - 45_000,
  untilMs: NOW_MS + leftMs,
});

export const contentOf = (
  body: string | null,
  headers: JobContent["headers"] = [],
): JobContent => ({
  body: body === null ? null : new TextEncoder().encode(body),
  headers,
});
