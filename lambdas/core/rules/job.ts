import type { RetryPolicy } from "./backoff.ts";
import type { Pace } from "./rate-limit.ts";

/**
 * What a job is stored as. A `waiting` job is shown as `scheduled` until its time has come and as
 * `queued` from then on, so that becoming due needs no write.
 */
export type JobState = "waiting" | "processing" | "success" | "failed" | "dlq" | "cancelled";

export type JobStatus =
  "scheduled" | "queued" | "processing" | "success" | "failed" | "dlq" | "cancelled";

export type Priority = "high" | "normal" | "low";

export interface Destination {
  /** As the sender wrote it. */
  readonly url: string;
  readonly method: "POST" | "PUT" | "PATCH" | "GET" | "DELETE";
  readonly timeoutMs: number;
}

/** What is sent: kept apart from the job, which changes, because this never does. */
export interface JobContent {
  /** The payload's own bytes, as the sender serialized it; `null` if none was sent. */
  readonly body: Uint8Array | null;
  /** In the order sent. Pairs, since a header may be called `__proto__`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What a client asked for, checked and with its defaults filled in. */
export interface JobRequest {
  readonly tenantId: string;
  readonly type: string;
  readonly priority: Priority;
  readonly destination: Destination;
  /** Names the destination among all of all tenants: what it is held under. */
  readonly destinationKey: string;
  /** Its rate limit, if it has one. */
  readonly pace: Pace | null;
  readonly executeAtMs: number | null;
  /** A second job of the tenant with this key is the first one, for a while. */
  readonly dedupeKey: string | null;
  readonly maxAttempts: number;
  readonly retry: RetryPolicy;
  readonly metadata: readonly (readonly [name: string, value: string])[];
  readonly content: JobContent;
}

/** A claim of the job by one worker; while it lives, nobody else may start an attempt. */
export interface Lease {
  readonly token: string;
  readonly claimedAtMs: number;
  readonly untilMs: number;
}

export interface Job extends Omit<JobRequest, "content"> {
  readonly kind: "job";
  readonly id: string;
  readonly requestHash: string;
  readonly state: JobState;
  /** Raised by a manual retry alone. */
  readonly generation: number;
  /** Claims of the present sequence; each one is an attempt. */
  readonly attempts: number;
  /** Attempts of the sequences before the present one. */
  readonly earlierAttempts: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Not claimed before this instant; 0 means at once, whatever a worker's clock says. */
  readonly dueAtMs: number;
  readonly lease: Lease | null;
  readonly lastError: string | null;
  /** The numbers `n` of attempts that were closed because their lease ran out. */
  readonly closedAttempts: readonly number[];
  readonly success: SuccessfulAttempt | null;
  /** Messages of a generation up to this one were given up; a manual retry takes a higher one. */
  readonly fenced: number;
  /** Digests of the idempotency keys of its latest manual retries. */
  readonly retryKeys: readonly string[];
  /** When the job and all that belongs to it is forgotten; `null` until its end. */
  readonly expiresAtMs: number | null;
}

export interface SuccessfulAttempt {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly httpStatus: number;
}

/** Stands under the id of a job whose message came, and which never did. */
export interface Tombstone {
  readonly kind: "tombstone";
  readonly madeAtMs: number;
}

/** Stands under the id of a keyed request that was answered by another job, by its dedupe key. */
export interface Pointer {
  readonly kind: "pointer";
  readonly jobId: string;
  /** Of that job: under an idempotency key, another one can have its id when it is forgotten. */
  readonly createdAtMs: number;
  readonly requestHash: string;
}

/** What the table holds under a job's id. What is expired counts as absent. */
export type Standing = Job | Tombstone | Pointer | { readonly kind: "absent" };

/** One attempt, as it is on record. `n` goes on counting over manual retries. */
export interface AttemptRecord {
  readonly n: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly status: "success" | "failed";
  readonly httpStatus: number | null;
  readonly error: string | null;
  readonly responseExcerpt: string | null;
}

/**
 * The one message of a job that is on its way: which attempt of which generation it asks for. What
 * it says of destination and pace lets a job wait that nobody has read yet; the job decides.
 */
export interface JobMessage {
  readonly jobId: string;
  /** Which queue it travels on. */
  readonly priority: Priority;
  readonly generation: number;
  readonly attempt: number;
  readonly destinationKey: string;
  readonly pace?: Pace;
  /** The slot that was taken for it from its pace's bucket. */
  readonly slotMs?: number;
  /** A queue delays for 15 minutes at most: a message that is early for this is handed on. */
  readonly notBeforeMs?: number;
  /** How often the dead-letter function has sent it back. */
  readonly redrives?: number;
}

/** The attempt that a live job is at: under way while `processing`, else the next one. */
export const currentAttempt = (job: Job): number =>
  job.state === "processing" ? job.attempts : job.attempts + 1;

export const messageFor = (
  job: Job,
  { generation = job.generation, attempt = currentAttempt(job) } = {},
): JobMessage => ({
  jobId: job.id,
  priority: job.priority,
  generation,
  attempt,
  destinationKey: job.destinationKey,
  ...(job.pace ? { pace: job.pace } : {}),
});

export const isTerminal = (state: JobState): boolean =>
  state !== "waiting" && state !== "processing";

export const statusOf = (job: Job, nowMs: number): JobStatus =>
  job.state === "waiting" ? (job.dueAtMs > nowMs ? "scheduled" : "queued") : job.state;

/** The number on record of the attempt that a processing job is at, counted over all sequences. */
export const attemptNumber = (job: Job): number => job.earlierAttempts + job.attempts;

/** How many attempts of the job are over, and so on show. */
export const finishedAttempts = (job: Job): number =>
  job.earlierAttempts + job.attempts - (job.state === "processing" ? 1 : 0);
