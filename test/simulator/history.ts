import type { PlannedJob } from "./plan.ts";

/** A post that our code answered with a job, whether its client heard of it or not. */
export interface AcceptedPost {
  readonly job: PlannedJob;
  /** Which body it had: 0, or 1 for the one that says something else. */
  readonly body: 0 | 1;
  readonly id: string;
  readonly isReplay: boolean;
  readonly isDeduplicated: boolean;
  readonly startedAtMs: number;
}

/** What our code promised in a run. */
export class History {
  readonly accepted: AcceptedPost[] = [];
  /** Lists that were walked to their end, page by page. */
  readonly lists: {
    readonly tenantId: string;
    readonly startedAtMs: number;
    readonly ids: readonly string[];
  }[] = [];
  readonly conflicts: { readonly job: PlannedJob; readonly body: 0 | 1 }[] = [];
  readonly cancelled: { readonly id: string }[] = [];
  /** How many manual retries each job was asked for; one that is repeated counts once. */
  readonly retriesAsked = new Map<string, number>();
  /** Manual retries that were answered as begun. */
  readonly retried: { readonly id: string }[] = [];
  /** Manual retries by a key that were answered as refused. */
  readonly retriesRefused: {
    readonly id: string;
    readonly key: string;
    readonly startedAtMs: number;
  }[] = [];
}

export const bodyOf = (job: PlannedJob, body: 0 | 1): string =>
  body === 0 ? job.payload : JSON.stringify({ other: JSON.parse(job.payload) as object });

export const requestHashOf = (job: PlannedJob, body: 0 | 1): string =>
  `${body}${job.ordinal}`.padStart(64, "0");
