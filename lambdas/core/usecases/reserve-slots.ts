import type { RateBuckets } from "../attempt-ports.ts";
import type { Clock } from "../ports.ts";
import type { Job } from "../rules/job.ts";
import { HORIZON_MS, slotsFrom } from "../rules/rate-limit.ts";
import type { Pace } from "../rules/rate-limit.ts";
import { AHEAD_OF_SLOT_MS } from "./turns.ts";

export interface ReserveDeps {
  readonly buckets: RateBuckets;
  readonly clock: Pick<Clock, "now">;
}

/**
 * What is due sooner reaches its worker too late for a slot that was taken here, and takes one there.
 */
const LEAD_MS = 1_000;

/** What a job that is about to be accepted finds at its bucket. */
export type Reservation =
  | { readonly kind: "none" }
  | { readonly kind: "slot"; readonly slotMs: number; readonly sendAtMs: number }
  /** Its slot would be too far ahead; by so much. */
  | { readonly kind: "beyond"; readonly byMs: number };

const NONE: Reservation = { kind: "none" };

/**
 * Takes the slots of jobs that would have to wait for them anyway: then their messages come right at
 * the slot instead of being sent twice, and the jobs of one batch share a write.
 *
 * @returns one for each job; `none` too where the bucket could not be asked
 */
export const makeReserveSlots = ({ buckets, clock }: ReserveDeps) => {
  return async (jobs: readonly Job[]): Promise<readonly Reservation[]> => {
    const reservations: Reservation[] = jobs.map(() => NONE);
    const limited = [...jobs.entries()].flatMap(([index, { pace, dueAtMs }]) =>
      pace && dueAtMs === 0 ? [{ index, pace }] : [],
    );
    const byBucket = Map.groupBy(limited, ({ pace }) => pace.bucket);
    await Promise.all(
      [...byBucket].map(async ([bucket, takers]) => {
        const paces = takers.map(({ pace }) => pace);
        // Nothing is lost without: a worker takes the slots.
        const reserved = await reserve(bucket, paces).catch(() => []);
        for (const [place, reservation] of reserved.entries()) {
          reservations[takers[place]?.index ?? 0] = reservation;
        }
      }),
    );
    return reservations;
  };

  async function reserve(bucket: string, paces: readonly Pace[]): Promise<readonly Reservation[]> {
    const tatMs = await buckets.clockOf(bucket);
    const nowMs = clock.now();
    const horizonMs = nowMs + HORIZON_MS;
    const expected = slotsFrom(Math.max(tatMs, nowMs), paces, nowMs);
    const waits = expected.some((slotMs) => slotMs >= nowMs + LEAD_MS);
    return Promise.all(
      paces.map(async (pace, place): Promise<Reservation> => {
        const expectedMs = expected[place] ?? nowMs;
        if (expectedMs > horizonMs) return { kind: "beyond", byMs: expectedMs - horizonMs };
        if (!waits) return NONE;
        const slotMs = await buckets.take(pace, LEAD_MS);
        if (slotMs === "beyond") return { kind: "beyond", byMs: 1_000 };
        return { kind: "slot", slotMs, sendAtMs: slotMs - AHEAD_OF_SLOT_MS };
      }),
    );
  }
};
