import type { DestinationMethod, JobStatus, Priority } from "./job-request.ts";

/** What the API shows, as on the wire: what does not apply is `null`, never missing. */

export interface JobView {
  readonly id: string;
  readonly tenant_id: string;
  readonly type: string;
  readonly status: JobStatus;
  readonly priority: Priority;
  readonly created_at: string;
  readonly updated_at: string;
  /** As asked for, in UTC. */
  readonly execute_at: string | null;
  /** The earliest next attempt of a job that waits. */
  readonly next_attempt_at: string | null;
  /** Of the present sequence: a manual retry begins a new one. */
  readonly attempts: number;
  readonly max_attempts: number;
  /** `code: text` of the last failed attempt. */
  readonly last_error: string | null;
  readonly destination: { readonly url: string; readonly method: DestinationMethod };
  readonly dedupe_key: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface JobViewWithPayload extends JobView {
  /** As sent; no such member if none was sent. */
  readonly payload?: unknown;
  readonly destination: JobView["destination"] & {
    /** Secrets among their values read `***`. */
    readonly headers: Readonly<Record<string, string>>;
  };
}

export interface AttemptView {
  /** Goes on counting over manual retries. */
  readonly n: number;
  readonly started_at: string;
  readonly finished_at: string;
  readonly duration_ms: number;
  readonly status: "success" | "failed";
  readonly http_status: number | null;
  /** `code: text`. */
  readonly error: string | null;
  /** Up to 256 characters of what the receiver said to a failed attempt. */
  readonly response_excerpt: string | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; `null` at the end. A short page is no end. */
  readonly next_cursor: string | null;
}

/** Where a job stands that was accepted. */
export interface AcceptedJob {
  readonly id: string;
  readonly status: JobStatus;
  /** It is an earlier job, with the same `dedupe_key`. */
  readonly deduplicated: boolean;
  /** The idempotency key had it accepted before: by another call, or by a try whose answer was lost. */
  readonly replayed: boolean;
}

export interface CancelledJob {
  readonly id: string;
  readonly status: "cancelled";
}

export interface RetriedJob {
  readonly id: string;
  readonly status: "queued";
  /** The idempotency key had it retried before. */
  readonly replayed: boolean;
}

/** One job of a batch: accepted, or refused on its own. */
export type BatchItem =
  | {
      readonly status: 200 | 201;
      readonly id: string;
      readonly job_status: JobStatus;
      readonly deduplicated: boolean;
      readonly replayed: boolean;
    }
  | { readonly status: number; readonly error: ProblemView };

/** RFC 9457, with a code of our own. */
export interface ProblemView {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly errors: readonly Mistake[];
}

/** One mistake of a request, and where it stands. `pointer` is an RFC 6901 pointer without `#`. */
export type Mistake =
  | { readonly pointer: string; readonly detail: string }
  | { readonly header: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string };

export interface Readiness {
  readonly ready: boolean;
  /** What does not answer, if it is not ready. */
  readonly detail: string | null;
}
