import type { AttemptRecord, Job, JobContent, JobMessage, Pointer, Standing } from "./rules/job.ts";

/**
 * What the use cases need of the world. Expected outcomes are values. A rejected promise means an
 * outage or an unknown outcome: the caller's message stays in the queue, or the client gets a 503.
 */

/** Ends a write's answer that was a refused condition: what stands there instead. */
export interface Refused {
  readonly kind: "refused";
  readonly found: Standing;
}

/** A job's hold on its dedupe key; `untilMs` tells it from another one by a job of the same id. */
export interface Hold {
  readonly jobId: string;
  readonly untilMs: number;
}

/** Where a pointer leads whose job is forgotten; another job can have the id again. */
export type ForgottenTarget = Pick<Pointer, "jobId" | "createdAtMs">;

export interface JobStore {
  /**
   * Puts the job where none stands, and with it the hold on its dedupe key, both or neither. Atomic;
   * 2 write units, 5 with a dedupe key, and more with a content that does not fit into the job's own
   * kilobyte.
   *
   * A tombstone is replaced only if it was made before `startedAtMs`, an instant before the job's
   * message was handed over: a younger one may have eaten that message.
   */
  create(
    job: Job,
    content: JobContent,
    call: {
      readonly startedAtMs: number;
      /** How long its dedupe key is held. */
      readonly dedupeUntilMs: number;
      /** Jobs that are forgotten: a pointer to the one, and the hold of the other, may be replaced. */
      readonly forgottenTarget: ForgottenTarget | undefined;
      readonly forgottenHolder: Hold | undefined;
    },
  ): Promise<
    { readonly kind: "created" } | { readonly kind: "deduplicated"; readonly by: string } | Refused
  >;

  /** The hold on a dedupe key, if a job has one now. */
  findHold(tenantId: string, dedupeKey: string, nowMs: number): Promise<Hold | undefined>;

  /**
   * Leaves a pointer to another job under the id of a keyed request that a dedupe key answered, so
   * that its repeat gets the same answer. Only where no job and no other pointer stands, or one that
   * leads to a job that is forgotten (`forgottenTarget`).
   */
  putPointer(
    from: Pick<Job, "id" | "requestHash" | "maxAttempts" | "pace">,
    to: Pick<Job, "id" | "createdAtMs">,
    call: { readonly nowMs: number; readonly forgottenTarget: ForgottenTarget | undefined },
  ): Promise<{ readonly kind: "put" } | Refused>;

  /** waiting → cancelled, and lets its dedupe key go. Atomic. */
  cancel(job: Job, nowMs: number): Promise<{ readonly kind: "cancelled" } | Refused>;

  /**
   * failed or dlq → waiting, in a generation of its own. Atomic. What belongs to the job is kept
   * for as long as it may live now.
   */
  retry(
    job: Job,
    retry: { readonly generation: number; readonly retryKey: string | undefined },
    nowMs: number,
  ): Promise<{ readonly kind: "retried" } | Refused>;

  read(jobId: string, nowMs: number): Promise<Standing>;

  /**
   * Takes the job for one attempt, if it waits for this very one and is due. Atomic; 1 write unit,
   * also if refused.
   */
  claim(claim: {
    readonly message: JobMessage;
    readonly nowMs: number;
    readonly leaseUntilMs: number;
    readonly token: string;
  }): Promise<{ readonly kind: "claimed"; readonly claimed: ClaimedJob } | Refused>;

  /**
   * Gives a claim back whose attempt was not begun: processing → waiting, one attempt less. Atomic;
   * 1 write unit.
   */
  release(job: Job, token: string, nowMs: number): Promise<{ readonly kind: "released" } | Refused>;

  /** What is to be sent: read only if the claim did not bring it. */
  readContent(claimed: ClaimedJob): Promise<JobContent>;
  /** A job and what it sends, for somebody who asks. */
  readWithContent(
    jobId: string,
    nowMs: number,
  ): Promise<{ readonly job: Job; readonly content: JobContent } | undefined>;

  /**
   * Puts a failed attempt on record. It shows only once the job counts it, so it is written before
   * the job's own state.
   */
  putFailedAttempt(job: Job, attempt: AttemptRecord, kind: "result" | "closed"): Promise<void>;

  /** Ends the claim that holds `token`. Atomic; 1 write unit as long as no index entry changes. */
  recordResult(
    job: Job,
    token: string,
    result: AttemptResult,
    nowMs: number,
  ): Promise<{ readonly kind: "recorded" } | Refused>;

  /** Ends an attempt whose lease ran out before `nowMs`: it counts as failed, outcome unknown. */
  close(
    job: Job,
    result: FailedResult,
    nowMs: number,
  ): Promise<{ readonly kind: "closed" } | Refused>;

  /** Gives up a waiting, due job whose message keeps killing its worker. */
  giveUp(
    job: Job,
    lastError: string,
    nowMs: number,
  ): Promise<{ readonly kind: "given_up" } | Refused>;

  /** Says that the message of this id was given up. Only where nothing stands. */
  putTombstone(jobId: string, nowMs: number): Promise<{ readonly kind: "put" } | Refused>;
  /** Says that one more message of this id was given up. Only where a tombstone stands. */
  raiseTombstone(jobId: string, nowMs: number): Promise<{ readonly kind: "raised" } | Refused>;
  /** Says that the messages of this generation, which the job has not reached, were given up. */
  fence(
    jobId: string,
    generation: number,
    nowMs: number,
  ): Promise<{ readonly kind: "fenced" } | Refused>;

  /** Up to `limit` attempts that are over, ascending, beginning after number `afterN`. */
  listAttempts(job: Job, afterN: number, limit: number): Promise<readonly AttemptRecord[]>;
}

/** A job as its claim returned it; the adapter keeps a small content with it. */
export interface ClaimedJob {
  readonly job: Job;
  readonly content: JobContent | null;
}

export type AttemptResult =
  | { readonly kind: "success"; readonly attempt: AttemptRecord; readonly httpStatus: number }
  | FailedResult
  | { readonly kind: "failed"; readonly attempt: AttemptRecord };

/** Failed, with another attempt to come, or with none left. */
export type FailedResult =
  | { readonly kind: "retry"; readonly attempt: AttemptRecord; readonly dueAtMs: number }
  | { readonly kind: "dlq"; readonly attempt: AttemptRecord };

/** The jobs of a tenant, newest first. */
export interface JobList {
  /**
   * Up to `limit` jobs older than `before`, out of those in one class of attention, or of all. At
   * most one request a shard, and one for every hundred jobs.
   */
  page(query: {
    readonly tenantId: string;
    readonly attention: AttentionClass | undefined;
    /** Where the page before ended; jobs from there on are left out. */
    readonly before: string | undefined;
    readonly limit: number;
    readonly nowMs: number;
  }): Promise<ListedJobs>;
}

/** A job is in the sparse index only while it is one of these. */
export type AttentionClass = "waiting" | "failed" | "dlq" | "cancelled";

export interface ListedJobs {
  /** With the position of each. A job that was just deleted, or is not yet readable, is left out. */
  readonly jobs: readonly { readonly job: Job; readonly position: string }[];
  /** Where the page ended, or `undefined` if there is nothing older. */
  readonly next: string | undefined;
}

/** Whether there is room for more jobs. */
export type HasRoom = (forJobs: number) => Promise<boolean>;

/** What the recovery of lost messages needs, beside a queue. */
export interface JobRecovery {
  /** Every job that is not over, in pages. */
  unfinishedJobs(): AsyncIterable<readonly Job[]>;
  /** Ends the lease of an attempt whose worker is known to be dead, if it still holds one. */
  endLease(message: JobMessage, nowMs: number): Promise<void>;
}

export interface JobQueue {
  /**
   * Hands a message over: once this resolves it is delivered at least once, not before `dueAtMs`,
   * and up to a second later (a queue counts in seconds). What is due already is delivered at once.
   *
   * An instant, not a delay: a hand-over that takes its time does not make the job late, and the
   * same message for the same instant is the same wherever it is sent from.
   */
  send(message: JobMessage, dueAtMs: number): Promise<void>;
  /**
   * Takes a message back that was handed over for `dueAtMs`, if it still lies where that can be
   * done. Best effort, never rejects: a message that comes all the same is judged by the table.
   */
  withdraw(message: JobMessage, dueAtMs: number): Promise<void>;
}

export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
}

export interface Chance {
  /** A number in [0, 1). */
  fraction(): number;
  bytes(count: number): Uint8Array;
}

/** What happened to a job, for logs and metrics. */
export interface Observer {
  attempted(job: Job, attempt: AttemptRecord, next: "success" | "retry" | "failed" | "dlq"): void;
  /** A worker came back from the dead: what it saw, which changes nothing any more. */
  cameTooLate(job: Job, attempt: AttemptRecord): void;
  closed(job: Job, attempt: AttemptRecord, next: "retry" | "dlq"): void;
  gaveUpMessage(message: JobMessage, why: "no_job" | "unknown_generation"): void;
  poisoned(job: Job): void;
  /** A destination asked to be left alone, and that could not be noted. */
  couldNotHold(job: Job, cause: unknown): void;
}
