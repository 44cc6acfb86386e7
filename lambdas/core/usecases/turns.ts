import type { Holds, RateBuckets } from "../attempt-ports.ts";
import type { Chance, Clock } from "../ports.ts";
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
 * A message is sent for so long before its slot: a queue counts in whole seconds, and takes a moment
 * besides. The rest is waited for by the worker, which costs by the millisecond.
 */
export const AHEAD_OF_SLOT_MS = 1_300;
/** Up to here a slot is waited for where the message is. */
const NEAR_MS = 2_000;
/**
 * Whoever begins later has lost the slot: starts that bunch up would break the rate. The contract
 * allows 50 ms at the receiver; this leaves some for the way there.
 */
const MAX_LATE_MS = 40;
/** How long a claim is kept for a slot. */
const CLAIMED_WAIT_MS = 250;
const TRIES = 4;
const AFTER_TRIES_MS = 1_000;
/** A bucket that is full for longer than anybody's patience is looked at again. */
const BEYOND_MS = 24 * 3_600_000;
/** What had to wait for a held destination and has no rate does not come all at once. */
const MOST_SPREAD_MS = 10_000;

/** When jobs may start: by what their destination asked for, and by their rate limit. */
export const makeTurns = ({ buckets, holds, clock, chance, pause }: TurnDeps) => {
  const claimTakes = recentLongest();

  return {
    /**
     * Whether a message may go on to its claim. What is held, or has to wait for its slot, is sent
     * away for the time: it has not been claimed, so it costs no attempt and holds nobody up.
     */
    async beforeClaim({ slotMs: reservedMs, ...message }: JobMessage): Promise<Turn> {
      let slotMs = reservedMs;
      for (let tries = 1; tries <= TRIES; tries += 1) {
        const nowMs = clock.now();
        const heldUntilMs = await holds.heldUntilMs(message.destinationKey);
        if (heldUntilMs > nowMs) return afterHold(message, heldUntilMs, nowMs);
        if (!message.pace) return { kind: "now", slotMs: undefined };
        if (slotMs === undefined || lateMs(slotMs) > MAX_LATE_MS) {
          const slot = await buckets.take(message.pace, leadFor(claimTakes.ms), slotMs);
          if (slot === "beyond") return later(message, clock.now() + BEYOND_MS);
          slotMs = slot;
        }
        const leftMs = slotMs - clock.now();
        if (leftMs > NEAR_MS) return later({ ...message, slotMs }, slotMs - AHEAD_OF_SLOT_MS);
        const idleMs = leftMs - claimTakes.ms - WAKE_MS;
        if (idleMs <= 0) return { kind: "now", slotMs };
        await pause(idleMs);
      }
      return later(message, clock.now() + AFTER_TRIES_MS);
    },

    /**
     * The last look before connecting: waits for the very millisecond of a claimed job's slot, and
     * takes a new one if that has passed.
     *
     * @param message whose slot counts only if it is of this job's pace: under one idempotency key,
     * a message may be of a body that was refused
     */
    async beforeStart(job: Job, message: JobMessage): Promise<Turn> {
      if (!job.pace) return { kind: "now", slotMs: undefined };
      if (job.lease) claimTakes.note(clock.now() - job.lease.claimedAtMs);
      let slotMs = isSamePace(message.pace, job.pace) ? message.slotMs : undefined;
      let leadMs = 0;
      for (let tries = 1; tries <= TRIES; tries += 1) {
        if (slotMs === undefined || lateMs(slotMs) > MAX_LATE_MS) {
          const slot = await buckets.take(job.pace, leadMs, slotMs);
          if (slot === "beyond") return later(messageFor(job), clock.now() + BEYOND_MS);
          slotMs = slot;
          // What takes so long takes as long again.
          leadMs = leadFor(lateMs(slot));
        }
        if (slotMs - clock.now() > CLAIMED_WAIT_MS) {
          return later({ ...messageFor(job), slotMs }, slotMs - AHEAD_OF_SLOT_MS);
        }
        await sleepUntil(slotMs);
        if (lateMs(slotMs) <= MAX_LATE_MS) return { kind: "now", slotMs };
      }
      return later(messageFor(job), clock.now() + AFTER_TRIES_MS);
    },
  };

  function lateMs(slotMs: number): number {
    return clock.now() - slotMs;
  }

  /** Those with a limit come back at its pace. */
  function afterHold(message: JobMessage, heldUntilMs: number, nowMs: number): Turn {
    const mostMs = message.pace ? 0 : Math.min(MOST_SPREAD_MS, heldUntilMs - nowMs);
    return later(message, heldUntilMs + chance.fraction() * mostMs);
  }

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

/** Waking up from a wait takes a moment. */
const WAKE_MS = 20;
const FIRST_CLAIM_MS = 80;
const LONGEST_CLAIM_MS = 500;
const FORGETTING = 0.05;

/** How long claims take here, and the reads that follow: the longest of late, forgotten slowly. */
const recentLongest = () => {
  let ms = FIRST_CLAIM_MS;
  return {
    get ms(): number {
      return ms;
    },
    note(takenMs: number): void {
      const forgotten = ms + (takenMs - ms) * FORGETTING;
      ms = Math.min(LONGEST_CLAIM_MS, Math.max(takenMs, forgotten, 0));
    },
  };
};

/** Leads come in steps, so that those who ask at once ask for the same, and share a write. */
const LEAD_STEP_MS = 50;

/** From when on a new slot can be met by one who needs so long; what is quick needs none. */
const leadFor = (neededMs: number): number =>
  neededMs <= MAX_LATE_MS / 2 ? 0 : Math.ceil(neededMs / LEAD_STEP_MS) * LEAD_STEP_MS;
