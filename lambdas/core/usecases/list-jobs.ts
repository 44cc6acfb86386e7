import type { AttentionClass, Clock, JobList } from "../ports.ts";
import { statusOf } from "../rules/job.ts";
import type { Job, JobStatus } from "../rules/job.ts";

/** How many rows one page may look at: a filter that few jobs pass gives a short page instead. */
const MAX_ROWS = 400;
const ROWS_AT_ONCE = 100;

export interface ListQuery {
  readonly tenantId: string;
  readonly status: JobStatus | "pending" | undefined;
  readonly type: string | undefined;
  readonly limit: number;
  /** Where the page before ended. */
  readonly before: string | undefined;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  /** Where this page ended; `undefined` at the end of the list. */
  readonly next: string | undefined;
}

/**
 * A tenant's jobs, newest first. A rare status is read from the sparse index, so that a filter for
 * it never reads through the common ones; the others look at a bounded number of rows a page.
 */
export const makeListJobs =
  ({ list, clock }: { readonly list: JobList; readonly clock: Clock }) =>
  async ({ tenantId, status, type, limit, before }: ListQuery): Promise<JobPage> => {
    if (status === "pending") return { jobs: [], next: undefined }; // no job is ever shown as pending
    const nowMs = clock.now();
    const isWanted = (job: Job) =>
      (status === undefined || statusOf(job, nowMs) === status) &&
      (type === undefined || job.type === type);
    const attention = status === undefined ? undefined : attentionClassOf(status);

    // A filter may pass over most rows, so they are read by the hundred, however small the page.
    const rowsAtOnce = status === undefined && type === undefined ? limit : ROWS_AT_ONCE;

    const jobs: Job[] = [];
    let at = before;
    for (let rows = 0; rows < MAX_ROWS; rows += rowsAtOnce) {
      const page = await list.page({ tenantId, attention, before: at, limit: rowsAtOnce, nowMs });
      for (const { job, position } of page.jobs) {
        if (!isWanted(job)) continue;
        jobs.push(job);
        if (jobs.length === limit) {
          const isLast = page.next === undefined && page.jobs.at(-1)?.position === position;
          return { jobs, next: isLast ? undefined : position };
        }
      }
      if (page.next === undefined) return { jobs, next: undefined };
      at = page.next;
    }
    return { jobs, next: at };
  };

/** Where the index keeps jobs of this status; the common ones are in none of its classes. */
const attentionClassOf = (status: JobStatus): AttentionClass | undefined => {
  switch (status) {
    case "scheduled":
      return "waiting";
    case "failed":
    case "dlq":
    case "cancelled":
      return status;
    case "queued":
    case "processing":
    case "success":
      return undefined;
  }
};
