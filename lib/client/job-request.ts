/**
 * What a caller sends, as on the wire. Written out here and held to the contract by a test, so that
 * the published declarations stand alone: no zod, no Node types, and the rules beside the fields.
 */

/** A job to be carried out. */
export interface JobRequest {
  /** 1 to 64 of `A-Z a-z 0-9 _ . -`. */
  readonly tenant_id: string;
  /** 1 to 128 of `A-Z a-z 0-9 _ . : -`; `webhook.dispatch` calls the destination. */
  readonly type: string;
  /** Any JSON value, at most 262,144 bytes as JSON; left out, the request has no body. */
  readonly payload?: unknown;
  readonly destination: JobDestination;
  /** 1 to 256 characters: for an hour, a second job of the tenant with this key is the first one. */
  readonly dedupe_key?: string | undefined;
  /** Not before this RFC 3339 time with offset, up to 366 days ahead. */
  readonly execute_at?: string | undefined;
  /** Left out: 8 attempts over a day and a bit. */
  readonly retry?: RetryRequest | undefined;
  /** Left out: it starts when it is due. */
  readonly rate_limit?: RateLimitRequest | undefined;
  /** @default normal */
  readonly priority?: Priority | undefined;
  /** Up to 20 pairs; `trace_id` goes into the log. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export type Priority = "high" | "normal" | "low";
export type DestinationMethod = "POST" | "PUT" | "PATCH" | "GET" | "DELETE";

export interface JobDestination {
  /** `http://` or `https://`, at most 2,048 characters. */
  readonly url: string;
  /** @default POST */
  readonly method?: DestinationMethod | undefined;
  /** At most 50, 8 KiB together. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** 100 to 30,000: the whole attempt. @default 10,000 */
  readonly timeout_ms?: number | undefined;
}

/** Either `schedule_ms`, or `base_delay_ms` and `max_delay_ms` to double between. */
export interface RetryRequest {
  /** 1 to 50. @default 8, or as many as the schedule has room for */
  readonly max_attempts?: number | undefined;
  /** 1 to 49 delays of 100 to 86,400,000 ms; the last one is repeated. */
  readonly schedule_ms?: readonly number[] | undefined;
  /** 100 to 3,600,000. @default 500 */
  readonly base_delay_ms?: number | undefined;
  /** @default 30,000, or the base if that is more */
  readonly max_delay_ms?: number | undefined;
}

/** How fast jobs may start that share a bucket: those to one destination, or with one key. */
export interface RateLimitRequest {
  /** A second; 0.001 to 10,000, fractions allowed. */
  readonly rps: number;
  /** How many may start at once after a pause: 1 to 10,000. @default rps, rounded up */
  readonly burst?: number | undefined;
  /** 1 to 128 characters: the bucket's name, instead of the destination. */
  readonly key?: string | undefined;
}

/** Which of a tenant's jobs are listed. */
export interface JobFilter {
  readonly tenant_id: string;
  readonly status?: JobStatus | undefined;
  readonly type?: string | undefined;
}

export type JobStatus =
  "pending" | "scheduled" | "queued" | "processing" | "success" | "failed" | "dlq" | "cancelled";
