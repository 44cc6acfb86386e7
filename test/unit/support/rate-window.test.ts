import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { worstExcess } from "../../support/rate-window.ts";

const at = (...startsMs: readonly number[]) => startsMs;

describe("the rule of rates, at a receiver", () => {
  it("lets a burst through, and then no more than the rate", () => {
    const limit = { rps: 10, burst: 2 };
    expect(worstExcess(at(0, 0, 100, 200, 300), limit, 0)).toBeUndefined();
    expect(worstExcess(at(0, 0, 100, 199, 300), limit, 0)).toMatchObject({
      starts: 4,
      windowMs: 199,
    });
    expect(worstExcess(at(0, 0, 50), limit, 50)).toBeUndefined();
    expect(worstExcess(at(0, 0, 49), limit, 50)).toMatchObject({ starts: 3, allowed: 2.99 });
  });

  it("finds the break that looking at every window finds", () => {
    const starts = fc.array(fc.nat(2_000), { maxLength: 30 });
    const limits = fc.record({
      rps: fc.integer({ min: 1, max: 50 }),
      burst: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(starts, limits, fc.nat(100), (startsMs, limit, slackMs) => {
        const sorted = startsMs.toSorted((a, b) => a - b);
        const isBroken = sorted.some((from, first) =>
          sorted.some((to, last) => {
            const allowed = limit.burst + (limit.rps * (to - from + slackMs)) / 1_000;
            return last >= first && last - first + 1 > allowed + 1e-6;
          }),
        );
        expect(worstExcess(startsMs, limit, slackMs) !== undefined).toBe(isBroken);
      }),
    );
  });
});
