import type { PlannedJob } from "./planned-job.ts";

/** A post that our code answered with a job, whether its client heard of it or not. */
export interface AcceptedPost {
  readonly job: PlannedJob;
  /** Which body it had: 0, or 1 for the one that says something else. */
  readonly body: 0 | 1;
  readonly id: string;
  readonly isReplay: boolean;
  readonly isDeduplicated: boolean;
  /** The process that took it in, and from when to when. */
  readonly by: string;
  readonly startedAtMs: number;
  readonly answeredAtMs: number;
}

/** A manual retry that was answered. */
export interface AnsweredRetry {
  readonly id: string;
  readonly key: string | undefined;
  readonly by: string;
  readonly startedAtMs: number;
}

/** What our code promised in a run. */
export class History {
  readonly accepted: AcceptedPost[] = [];
  /** Lists that were walked to their end, page by page. */
  readonly lists: {
    readonly tenantId: string;
    readonly startedAtMs: number;
    readonly endedAtMs: number;
    readonly ids: readonly string[];
  }[] = [];
  readonly conflicts: Pick<AcceptedPost, "job" | "body" | "startedAtMs" | "answeredAtMs">[] = [];
  /** Posts that were given up without an answer that settles them. */
  readonly unanswered: { readonly job: PlannedJob; readonly startedAtMs: number }[] = [];
  /** Cancels and manual retries that were told that there is no such job. */
  readonly unknown: {
    readonly id: string;
    readonly startedAtMs: number;
    readonly answeredAtMs: number;
  }[] = [];
  readonly cancelled: { readonly id: string }[] = [];
  /** How many manual retries each job was asked for; one that is repeated counts once. */
  readonly retriesAsked = new Map<string, number>();
  /** Manual retries that were answered as begun, by this very call or by one before it. */
  readonly retried: (AnsweredRetry & { readonly isReplay: boolean })[] = [];
  readonly retriesRefused: AnsweredRetry[] = [];
  /** Signing secrets that were put. */
  readonly secrets: {
    readonly tenantId: string;
    readonly key: Uint8Array;
    readonly startedAtMs: number;
    /** `Infinity` until it is answered. */
    answeredAtMs: number;
  }[] = [];
}

export const bodyOf = (job: PlannedJob, body: 0 | 1): string =>
  body === 0 ? job.payload : JSON.stringify({ other: JSON.parse(job.payload) as object });

export const requestHashOf = (job: PlannedJob, body: 0 | 1): string =>
  `${body}${job.ordinal}`.padStart(64, "0");
