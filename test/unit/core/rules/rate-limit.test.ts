import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  costMs,
  HORIZON_MS,
  latestTatMs,
  slotsFrom,
} from "../../../../lambdas/core/rules/rate-limit.ts";
import type { Pace } from "../../../../lambdas/core/rules/rate-limit.ts";
import { NOW_MS } from "../../support/a-job.ts";

const pace = (rps: number, burst: number): Pace => ({ bucket: "t1#b", rps, burst });
const many = (count: number, of: Pace) => Array.from({ length: count }, () => of);

/** How often the window rule is broken: starts in any window of w ≤ burst + rps · w. */
const excesses = (startsMs: readonly number[], { rps, burst }: Pace): number => {
  const sorted = startsMs.toSorted((a, b) => a - b);
  let broken = 0;
  for (let first = 0; first < sorted.length; first += 1) {
    for (let last = first; last < sorted.length; last += 1) {
      const seconds = ((sorted[last] ?? 0) - (sorted[first] ?? 0)) / 1_000;
      // A slot is a whole millisecond.
      if (last - first + 1 > burst + rps * (seconds + 0.001) + 1e-6) broken += 1;
    }
  }
  return broken;
};

describe("the slots of a bucket", () => {
  it("come at once while it has tokens, then one by one as they come back", () => {
    expect(slotsFrom(NOW_MS, many(5, pace(10, 3)), NOW_MS).map((slot) => slot - NOW_MS)).toEqual([
      0, 0, 0, 100, 200,
    ]);
  });

  it("go on where the clock of the bucket stands", () => {
    expect(slotsFrom(NOW_MS + 5_000, many(2, pace(10, 3)), NOW_MS)).toEqual([
      NOW_MS + 4_800,
      NOW_MS + 4_900,
    ]);
  });

  it("are never before the earliest", () => {
    expect(slotsFrom(NOW_MS, many(2, pace(1, 100)), NOW_MS + 250)).toEqual([
      NOW_MS + 250,
      NOW_MS + 250,
    ]);
  });

  const paces = fc.record({
    rps: fc.oneof(
      fc.constantFrom(0.2, 0.7, 333, 1_000),
      fc.double({ min: 0.001, max: 10_000, noNaN: true }),
    ),
    burst: fc.integer({ min: 1, max: 20 }),
  });

  it("keep the window rule, however they are asked for together, and give all of the rate", () => {
    fc.assert(
      fc.property(
        paces,
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
        (limit, groups) => {
          const of = pace(limit.rps, limit.burst);
          let tatMs = NOW_MS;
          const slots: number[] = [];
          for (const count of groups) {
            slots.push(...slotsFrom(tatMs, many(count, of), NOW_MS));
            tatMs += costMs(many(count, of));
          }
          expect(excesses(slots, of)).toBe(0);
          const lastMs = NOW_MS + Math.max(0, slots.length - of.burst) * (1_000 / of.rps);
          expect(Math.abs((slots.at(-1) ?? 0) - lastMs)).toBeLessThanOrEqual(2);
        },
      ),
    );
  });

  it("let no job start faster than its own limit allows, whatever others take", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(paces, fc.nat(400)), { minLength: 1, maxLength: 30 }),
        (takes) => {
          let [tatMs, nowMs] = [0, NOW_MS];
          for (const [limit, laterMs] of takes) {
            nowMs += laterMs;
            const of = pace(limit.rps, limit.burst);
            const fromMs = Math.max(tatMs, nowMs);
            const [slot = 0] = slotsFrom(fromMs, [of], nowMs);
            // As many tokens as are owed at its start are within its burst.
            expect(fromMs - slot).toBeLessThanOrEqual((of.burst - 1) * (1_000 / of.rps) + 1e-3);
            tatMs = fromMs + costMs([of]);
          }
        },
      ),
    );
  });
});

describe("the horizon", () => {
  it("is judged by the slot, which comes before the clock by the job's burst", () => {
    expect(latestTatMs([pace(1, 1)], NOW_MS)).toBe(NOW_MS + HORIZON_MS);
    expect(latestTatMs([pace(1, 11)], NOW_MS)).toBe(NOW_MS + HORIZON_MS + 10_000);
    // The last of three has to be within it too.
    expect(latestTatMs(many(3, pace(1, 1)), NOW_MS)).toBe(NOW_MS + HORIZON_MS - 2_000);
  });
});
