import { currentAttempt, isTerminal } from "./job.ts";
import type { Job, JobMessage, Standing } from "./job.ts";

/**
 * What a worker does with a message, given what stands in the table. The message is trusted with
 * nothing: it may be a duplicate, late, early, or of a job that was never stored.
 *
 * The table of rules (G and A: generation and current attempt of the job; g and a: the message's):
 *
 *   absent                        | any   | return after 1, 2, 4 … s; at 60 s: tombstone, delete
 *   tombstone, pointer            | any   | return after 1, 2, 4 s; at 7 s: raise it, delete
 *   any                           | g < G | delete
 *   success, cancelled            | g > G | delete
 *   else                          | g > G | return after 1, 2, 4 … s; at 60 s: fence, delete
 *   terminal                      | g = G | delete
 *   waiting                       | a ≠ A | delete
 *   waiting, due                  | a = A | claim
 *   waiting, not due              | a = A | send (g, a) again for the time left, delete
 *   processing                    | a < A | delete
 *   processing, lease live        | a ≥ A | return, hidden until the lease ends
 *   processing, lease over        | a ≥ A | close
 */
export type Decision =
  | { readonly do: "delete" }
  /** Leave it in the queue, hidden for so long. */
  | { readonly do: "return"; readonly afterMs: number }
  /** The job's put is probably in flight: look again within this second, then return. */
  | { readonly do: "look_again" }
  | { readonly do: "tombstone" }
  | { readonly do: "raise_tombstone" }
  | { readonly do: "fence"; readonly generation: number }
  | { readonly do: "claim"; readonly job: Job }
  | { readonly do: "resend"; readonly job: Job; readonly afterMs: number }
  /** Record the attempt whose lease ran out as failed with unknown outcome, and go on. */
  | { readonly do: "close"; readonly job: Job };

/** Whoever hands a message over writes its job right after; this is how long we believe in that. */
export const GIVE_UP_AFTER_MS = 60_000;
const PUT_IN_FLIGHT_MS = 2_000;
/** The same under a tombstone, where clocks that are five seconds apart must not make it shorter. */
const RAISE_AFTER_MS = PUT_IN_FLIGHT_MS + 5_000;
/**
 * A failed attempt sends the next message, delayed by a second at least, right before it writes its
 * result: one that is hardly older than that comes back soon instead of at the lease's end.
 */
const RESULT_IN_FLIGHT_MS = 5_000;
const SOON_MS = 1_000;

export const judge = (
  standing: Standing,
  message: Pick<JobMessage, "generation" | "attempt">,
  nowMs: number,
  /** How long ago the message was sent. */
  ageMs: number,
): Decision => {
  if (standing.kind === "absent") {
    if (ageMs < PUT_IN_FLIGHT_MS) return { do: "look_again" };
    return returnUntilGivenUp(ageMs) ?? { do: "tombstone" };
  }
  // Also for a pointer: when its job is forgotten, a new one may be about to take its place.
  if (standing.kind === "tombstone" || standing.kind === "pointer") {
    // Raised at once it would refuse the very put that this message came before, each time anew.
    if (ageMs < RAISE_AFTER_MS) return { do: "return", afterMs: Math.max(SOON_MS, ageMs) };
    return { do: "raise_tombstone" };
  }

  const job = standing;
  if (message.generation < job.generation) return { do: "delete" };
  if (message.generation > job.generation) {
    if (job.state === "success" || job.state === "cancelled") return { do: "delete" };
    return returnUntilGivenUp(ageMs) ?? { do: "fence", generation: message.generation };
  }
  if (isTerminal(job.state)) return { do: "delete" };

  const attempt = currentAttempt(job);
  if (job.state === "waiting") {
    if (message.attempt !== attempt) return { do: "delete" };
    const leftMs = job.dueAtMs - nowMs;
    return leftMs > 0 ? { do: "resend", job, afterMs: leftMs } : { do: "claim", job };
  }

  if (message.attempt < attempt) return { do: "delete" };
  const leaseLeftMs = (job.lease?.untilMs ?? 0) - nowMs;
  if (leaseLeftMs <= 0) return { do: "close", job };
  const isResultInFlight = message.attempt > attempt && ageMs < RESULT_IN_FLIGHT_MS;
  return { do: "return", afterMs: isResultInFlight ? Math.min(SOON_MS, leaseLeftMs) : leaseLeftMs };
};

/** Each return doubles the age, which makes the waits 1, 2, 4 … s without counting them. */
const returnUntilGivenUp = (ageMs: number): Decision | undefined => {
  if (ageMs >= GIVE_UP_AFTER_MS) return undefined;
  return {
    do: "return",
    afterMs: Math.max(1_000, Math.min(ageMs, GIVE_UP_AFTER_MS - ageMs)),
  };
};
