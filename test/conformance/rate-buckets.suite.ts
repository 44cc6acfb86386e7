import { randomBytes } from "node:crypto";
import { beforeAll, expect } from "vitest";
import type { Holds, RateBuckets, Slot } from "../../lambdas/core/attempt-ports.ts";
import type { Clock } from "../../lambdas/core/ports.ts";
import { HORIZON_MS } from "../../lambdas/core/rules/rate-limit.ts";
import type { Pace } from "../../lambdas/core/rules/rate-limit.ts";
import { worstExcess } from "../support/rate-window.ts";
import { describeConformance } from "./describe-conformance.ts";
import { NOW_MS } from "./stored-jobs.ts";

/** What one worker has of buckets and holds. */
export interface Worker {
  readonly buckets: RateBuckets;
  readonly holds: Holds;
}

/** Starts workers over one table, each by a clock of its own. */
export type HireWorker = (clock: Pick<Clock, "now">) => Worker;

const aKey = () => `t1#${randomBytes(12).toString("base64url")}`;
const at = (nowMs: number) => ({ now: () => nowMs });
const HOUR_MS = 3_600_000;

/**
 * What all `RateBuckets` and `Holds` do. Time is what each worker's clock says it is.
 *
 * @param open opens the storage, once for the suite
 */
export const describeRateBuckets = (what: string, open: () => Promise<HireWorker>): void => {
  describeConformance("RateBuckets", what, (state) => {
    let hire: HireWorker;
    beforeAll(async () => {
      hire = await open();
    });
    const worker = (nowMs = NOW_MS) => hire(at(nowMs));
    const aPace = (rps: number, burst: number): Pace => ({ bucket: aKey(), rps, burst });
    const take = ({ buckets }: Worker, pace: Pace, count: number, leadMs = 0) =>
      Promise.all(Array.from({ length: count }, () => buckets.take(pace, leadMs)));
    const inOrder = (slots: readonly Slot[]): readonly number[] =>
      slots.map(Number).toSorted((a, b) => a - b);
    const fromNow = (slots: readonly Slot[]) => inOrder(slots).map((slotMs) => slotMs - NOW_MS);

    state("give an idle bucket's burst at once, then one token after another", async () => {
      const slots = await take(worker(), aPace(10, 3), 5);
      expect(fromNow(slots)).toEqual([0, 0, 0, 100, 200]);
    });

    state("go on where others have left off", async () => {
      const pace = aPace(10, 1);
      expect(fromNow(await take(worker(), pace, 2))).toEqual([0, 100]);
      expect(fromNow(await take(worker(), pace, 2))).toEqual([200, 300]);
      expect(fromNow(await take(worker(NOW_MS + 50), pace, 1))).toEqual([400]);
    });

    state("hold no more than the burst after a pause, however long", async () => {
      const pace = aPace(10, 2);
      await take(worker(), pace, 5);
      const slots = await take(worker(NOW_MS + HOUR_MS), pace, 4);
      expect(fromNow(slots)).toEqual([0, 0, 100, 200].map((afterMs) => HOUR_MS + afterMs));
    });

    state("get a token back while some are left", async () => {
      const pace = aPace(10, 3);
      await take(worker(), pace, 3);
      expect(fromNow(await take(worker(NOW_MS + 150), pace, 2))).toEqual([150, 200]);
    });

    state("keep the rate with twenty workers at one bucket, at once", async () => {
      for (const limit of [
        { rps: 333, burst: 1 },
        { rps: 50, burst: 10 },
        { rps: 0.2, burst: 1 },
      ]) {
        const pace = aPace(limit.rps, limit.burst);
        const workers = Array.from({ length: 20 }, () => worker());
        const taken = await Promise.all(workers.map((each) => take(each, pace, 5)));
        const slots = inOrder(taken.flat());
        expect(slots).toHaveLength(100);
        expect(worstExcess(slots, limit, 1)).toBeUndefined();
        // And none of it is lost: the last slot is where the rate has it.
        const lastMs = ((100 - limit.burst) * 1_000) / limit.rps;
        expect(Math.abs((slots.at(-1) ?? 0) - NOW_MS - lastMs)).toBeLessThanOrEqual(2);
      }
    });

    state("have a slot for everybody at a bucket whose clock is just passing", async () => {
      const pace = aPace(1_000, 1);
      let nowMs = NOW_MS;
      // Time goes on with each look at a clock, as fast as tokens come back.
      const clock = { now: () => (nowMs += 1) };
      const taken = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const { buckets } = hire(clock);
          const slots: Slot[] = [];
          for (let turn = 0; turn < 20; turn += 1) slots.push(await buckets.take(pace, 0));
          return slots;
        }),
      );
      const slots = inOrder(taken.flat());
      expect(slots).toHaveLength(400);
      expect(worstExcess(slots, pace, 1)).toBeUndefined();
    });

    state("let each job judge the one clock by its own rate and burst", async () => {
      const bucket = aKey();
      const [fast, slow] = [
        { bucket, rps: 10, burst: 5 },
        { bucket, rps: 2, burst: 1 },
      ];
      const { buckets } = worker();
      expect(Number(await buckets.take(slow, 0)) - NOW_MS).toBe(0);
      // The slow one's token takes half a second, of which the fast one's burst covers 400 ms.
      expect(Number(await buckets.take(fast, 0)) - NOW_MS).toBe(100);
      expect(Number(await buckets.take(slow, 0)) - NOW_MS).toBe(600);
    });

    state("take a missed token back, if it was the last that was taken", async () => {
      for (const [rps, burst] of [
        [0.001, 1],
        [333, 1],
        [0.01, 3],
      ] as const) {
        const pace = aPace(rps, burst);
        const [missed = 0] = inOrder(await take(worker(), pace, burst)).slice(-1);
        const late = worker(NOW_MS + 100);
        expect(await late.buckets.take(pace, 0, missed)).toBe(NOW_MS + 100);
        const next = Number(await worker(NOW_MS + 100).buckets.take(pace, 0));
        expect(next - NOW_MS - 100).toBeGreaterThanOrEqual((1_000 / rps) * (burst > 1 ? 0.99 : 1));
      }
    });

    state("do not give a missed token to anybody, once another was taken", async () => {
      const pace = aPace(1, 1);
      const [missed = 0, next = 0] = inOrder(await take(worker(), pace, 2));
      expect(next - missed).toBe(1_000);
      const late = worker(NOW_MS + 100);
      expect(fromNow([await late.buckets.take(pace, 0, missed)])).toEqual([2_000]);
      // As the one who took it knows without asking.
      expect(fromNow([await late.buckets.take(pace, 0, missed)])).toEqual([3_000]);
    });

    state("are apart", async () => {
      const [one, two] = [aPace(0.001, 1), aPace(0.001, 1)];
      await take(worker(), one, 3);
      expect(fromNow(await take(worker(), two, 1))).toEqual([0]);
    });

    state("give no slot before the lead that is asked for", async () => {
      const pace = aPace(10, 5);
      expect(fromNow(await take(worker(), pace, 7, 250))).toEqual([
        250, 250, 250, 250, 250, 350, 450,
      ]);
      expect(fromNow(await take(worker(), pace, 1))).toEqual([550]);
    });

    state("say where a clock stands, from 0 on", async () => {
      const pace = aPace(4, 1);
      const { buckets } = worker();
      expect(await buckets.clockOf(pace.bucket)).toBe(0);
      await take(worker(), pace, 3);
      expect(await buckets.clockOf(pace.bucket)).toBe(NOW_MS + 750);
      expect(fromNow([await buckets.take(pace, 0)])).toEqual([750]);
    });

    state("give no slot beyond the horizon, and stay as they are", async () => {
      const pace = aPace(0.001, 1);
      const ahead = worker(NOW_MS + HORIZON_MS);
      await take(ahead, pace, 1);
      const { buckets } = worker();
      expect(await take({ ...ahead, buckets }, pace, 2)).toEqual(["beyond", "beyond"]);
      expect(await buckets.clockOf(pace.bucket)).toBe(NOW_MS + HORIZON_MS + 1_000_000);
      // Whose burst reaches so far has a slot within it.
      const patient = { ...pace, burst: 3 };
      expect(await buckets.take(patient, 0)).toBe(NOW_MS + HORIZON_MS - 1_000_000);
    });

    state("hold a destination until the latest time that was asked for", async () => {
      const key = aKey();
      expect(await worker().holds.heldUntilMs(key)).toBe(0);
      await worker().holds.hold(key, NOW_MS + HOUR_MS);
      await worker().holds.hold(key, NOW_MS + 1_000);
      expect(await worker().holds.heldUntilMs(key)).toBe(NOW_MS + HOUR_MS);
      await worker().holds.hold(key, NOW_MS + 2 * HOUR_MS);
      expect(await worker().holds.heldUntilMs(key)).toBe(NOW_MS + 2 * HOUR_MS);
      expect(await worker().holds.heldUntilMs(aKey())).toBe(0);
    });

    state("tell a worker of a hold within a second, and itself at once", async () => {
      const key = aKey();
      let nowMs = NOW_MS;
      const { holds } = hire({ now: () => nowMs });
      const other = worker();
      expect(await holds.heldUntilMs(key)).toBe(0);
      await other.holds.hold(key, NOW_MS + HOUR_MS);
      expect(await other.holds.heldUntilMs(key)).toBe(NOW_MS + HOUR_MS);
      nowMs += 999;
      expect(await holds.heldUntilMs(key)).toBe(0);
      nowMs += 1;
      expect(await holds.heldUntilMs(key)).toBe(NOW_MS + HOUR_MS);
    });
  });
};
