import type { Chance, Clock, Holds, RateBuckets } from "../ports.ts";
import { messageFor } from "../rules/job.ts";
import type { Job, JobMessage } from "../rules/job.ts";
import { isSamePace } from "../rules/rate-limit.ts";

export interface TurnDeps {
  readonly buckets: Pick<RateBuckets, "take">;
  readonly holds: Pick<Holds, "heldUntilMs">;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Waits for a slot, while others may use what this worker has no need of. */
  readonly pause: (ms: number) => Promise<void>;
}

export type Turn =
  /** It may start, at its slot if it has one. */
  | { readonly kind: "now"; readonly slotMs: number | undefined }
  /** It has to wait, and not here: this message is to come at that time. */
  | { readonly kind: "later"; readonly message: JobMessage; readonly sendAtMs: number };

/**
 * A message is sent for so long before its slot: a queue counts in seconds, and takes a moment.
 */
export const AHEAD_OF_SLOT_MS = 1_500;
/** Up to here a slot is waited for where the message is. */
const NEAR_MS = 2_000;
/** A claim takes a moment too. */
const CLAIM_AHEAD_MS = 100;
/**
 * Whoever begins later has lost the slot: starts that bunch up would break the rate. The contract
 * allows 50 ms at the receiver; this leaves some for the way there.
 */
const MAX_LATE_MS = 40;
/** How long a claim is kept for a slot. */
const CLAIMED_WAIT_MS = 250;
/** New slots are asked for by workers in step, so that they can be taken together. */
const LEAD_STEP_MS = 50;
const TRIES = 3;
const AFTER_TRIES_MS = 1_000;
/** A bucket that is full for longer than anybody's patience is looked at again. */
const BEYOND_MS = 24 * 3_600_000;
/** What had to wait for a held destination and has no rate does not come all at once. */
const MOST_SPREAD_MS = 10_000;

/**
 * Whether a message may go on to its claim. What is held, or has to wait for its slot, is sent away
 * for the time: it has not been claimed, so it costs no attempt and holds nobody up.
 */
export const makeWaitForTurn = (deps: TurnDeps) => {
  const { buckets, holds, clock, chance, pause } = deps;

  return async ({ slotMs: reservedMs, ...message }: JobMessage): Promise<Turn> => {
    const heldMs = (await holds.heldUntilMs(message.destinationKey)) - clock.now();
    if (heldMs > 0) {
      const mostMs = message.pace ? 0 : Math.min(MOST_SPREAD_MS, heldMs);
      const spreadMs = chance.fraction() * mostMs;
      return later(message, clock.now() + heldMs + spreadMs);
    }
    if (!message.pace) return { kind: "now", slotMs: undefined };
    let slotMs = reservedMs;
    for (let tries = 1; tries <= TRIES; tries += 1) {
      if (slotMs === undefined || isTooLate(slotMs)) {
        const slot = await buckets.take(message.pace, 0);
        if (slot === "beyond") return later(message, clock.now() + BEYOND_MS);
        slotMs = slot;
      }
      const leftMs = slotMs - clock.now();
      if (leftMs > NEAR_MS) return later({ ...message, slotMs }, slotMs - AHEAD_OF_SLOT_MS);
      if (leftMs > CLAIM_AHEAD_MS) await pause(leftMs - CLAIM_AHEAD_MS);
      if (!isTooLate(slotMs)) return { kind: "now", slotMs };
    }
    return later(message, clock.now() + AFTER_TRIES_MS);
  };

  function isTooLate(slotMs: number): boolean {
    return clock.now() > slotMs + MAX_LATE_MS;
  }
};

/**
 * The last look before connecting: waits for the very millisecond of a claimed job's slot, and takes
 * a new one if that has passed.
 *
 * @param message whose slot counts only if it is of this job's pace: under one idempotency key, a
 * message may be of a body that was refused
 */
export const makeKeepTurn = ({ buckets, clock }: Pick<TurnDeps, "buckets" | "clock">) => {
  return async (job: Job, message: JobMessage): Promise<Turn> => {
    if (!job.pace) return { kind: "now", slotMs: undefined };
    let slotMs = isSamePace(message.pace, job.pace) ? message.slotMs : undefined;
    let leadMs = 0;
    for (let tries = 1; tries <= TRIES; tries += 1) {
      if (slotMs === undefined) {
        const slot = await buckets.take(job.pace, leadMs);
        if (slot === "beyond") return later(messageFor(job), clock.now() + BEYOND_MS);
        slotMs = slot;
      }
      if (slotMs - clock.now() > CLAIMED_WAIT_MS) {
        return later({ ...messageFor(job), slotMs }, slotMs - AHEAD_OF_SLOT_MS);
      }
      await sleepUntil(slotMs);
      const lateMs = clock.now() - slotMs;
      if (lateMs <= MAX_LATE_MS) return { kind: "now", slotMs };
      // What took so long takes as long again.
      leadMs = Math.ceil(lateMs / LEAD_STEP_MS) * LEAD_STEP_MS;
      slotMs = undefined;
    }
    return later(messageFor(job), clock.now() + AFTER_TRIES_MS);
  };

  /** A timer may fire a millisecond early. */
  async function sleepUntil(atMs: number): Promise<void> {
    for (let leftMs = atMs - clock.now(); leftMs > 0; leftMs = atMs - clock.now()) {
      await clock.sleep(leftMs);
    }
  }
};

const later = (message: JobMessage, sendAtMs: number): Turn => ({
  kind: "later",
  message,
  sendAtMs: Math.ceil(sendAtMs),
});
