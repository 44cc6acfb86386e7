import type { Destination, JobContent } from "./rules/job.ts";
import type { Pace } from "./rules/rate-limit.ts";
import type { HeldSecret, SigningSecret } from "./rules/signature.ts";

/** What an attempt needs of the world besides its job; `ports.ts` says what a rejected promise means. */

/** What one attempt sends. */
export interface DueJob {
  readonly id: string;
  readonly type: string;
  readonly destination: Destination;
  readonly content: JobContent;
  /** Of the present sequence: 1, 2, … */
  readonly attempt: number;
  /** What its tenant signs with at this moment, newest first. */
  readonly signingSecrets: readonly SigningSecret[];
}

export type AttemptErrorCode =
  | "timeout"
  | "dns"
  | "connect"
  | "tls"
  | "reset"
  | "protocol"
  | "http_status"
  | "forbidden_destination"
  | "outcome_unknown";

export type Outcome =
  | { readonly kind: "delivered"; readonly httpStatus: number }
  | {
      /** `permanent`: no retry can help. */
      readonly kind: "retryable" | "permanent";
      readonly error: `${AttemptErrorCode}: ${string}`;
      readonly httpStatus: number | null;
      readonly responseExcerpt: string | null;
      /** What a receiver that has too much asked for: the value of its `Retry-After`, as it came. */
      readonly retryAfter?: string | undefined;
    };

/** Carries one attempt out. Never rejects: whatever happens is an outcome. */
export type Attempt = (job: DueJob, startedAtMs: number) => Promise<Outcome>;

/** When a job may start, in milliseconds of the epoch; or not within anybody's patience. */
export type Slot = number | "beyond";

/** Token buckets, shared by all workers: each token is a slot in time that nobody else has. */
export interface RateBuckets {
  /**
   * Takes a token, and with it the next slot, at least `leadMs` from now. Atomic; 1 write unit for
   * all that are taken from a bucket in the same breath, and one more for each wrong guess.
   *
   * @param lostMs the slot that was missed: its token goes back, if nobody has taken one since. So
   * a bucket that gives a token an hour does not lose that hour for a moment.
   */
  take(pace: Pace, leadMs: number, lostMs?: number): Promise<Slot>;
  /** Where the bucket's clock stood a moment ago, 0 if it never moved. Half a read unit. */
  clockOf(bucket: string): Promise<number>;
}

/** Destinations that asked to be left alone. */
export interface Holds {
  /** Until when, as it was known a second ago; 0 or a time that has passed if it is not held. */
  heldUntilMs(destinationKey: string): Promise<number>;
  /** Holds it until then, unless it is held for longer. 1 write unit. */
  hold(destinationKey: string, untilMs: number): Promise<void>;
}

/** What each tenant signs its webhooks with. */
export interface SigningSecrets {
  /** As they stand now: nothing that was read before the call. At most 1 read unit. */
  read(tenantId: string): Promise<SecretSet>;
  /** Puts `secrets` in the place of a set, if that is still the one that was seen. Atomic. */
  replace(
    tenantId: string,
    seen: SecretSet,
    secrets: readonly HeldSecret[],
  ): Promise<
    { readonly kind: "replaced" } | { readonly kind: "refused"; readonly found: SecretSet }
  >;
}

export interface SecretSet {
  /** Newest first. */
  readonly secrets: readonly HeldSecret[];
  /** Another one after each change; none before the first. */
  readonly revision: string | undefined;
}
