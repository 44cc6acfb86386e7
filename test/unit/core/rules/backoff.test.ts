import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultRetryPolicy, retryDelayMs } from "../../../../lambdas/core/rules/backoff.ts";
import type { RetryPolicy } from "../../../../lambdas/core/rules/backoff.ts";

const LARGEST = 1 - 2 ** -53;

/** The longest delay after each failed attempt: what chance takes off is taken off this. */
const fullDelays = (policy: RetryPolicy, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => retryDelayMs(policy, index + 1, LARGEST));

const delay = fc.integer({ min: 100, max: 86_400_000 });
const anyPolicy: fc.Arbitrary<RetryPolicy> = fc.oneof(
  fc.record({
    kind: fc.constant("schedule" as const),
    delaysMs: fc.array(delay, { minLength: 1, maxLength: 49 }),
  }),
  fc.tuple(fc.integer({ min: 100, max: 3_600_000 }), fc.nat(86_400_000)).map(([baseMs, more]) => ({
    kind: "doubling" as const,
    baseMs,
    maxMs: Math.min(86_400_000, baseMs + more),
  })),
);
const anyRandom = fc.oneof(
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  fc.constant(0),
  fc.constant(LARGEST),
);

describe("the delay before a retry", () => {
  it("lies within the upper half of the full delay, whatever chance says", () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 50 }), anyRandom, (policy, n, random) => {
        const fullMs =
          policy.kind === "schedule"
            ? (policy.delaysMs[n - 1] ?? policy.delaysMs.at(-1) ?? NaN)
            : Math.min(policy.maxMs, policy.baseMs * 2 ** (n - 1));
        const waitMs = retryDelayMs(policy, n, random);
        expect(waitMs).toBeGreaterThanOrEqual(fullMs / 2);
        expect(waitMs).toBeLessThanOrEqual(fullMs);
        expect(Number.isSafeInteger(waitMs)).toBe(true);
      }),
    );
  });

  it("reaches both ends of that half and grows evenly with chance", () => {
    const policy = { kind: "schedule", delaysMs: [10_000] } as const;
    expect(retryDelayMs(policy, 1, 0)).toBe(5_000);
    expect(retryDelayMs(policy, 1, 0.25)).toBe(6_250);
    expect(retryDelayMs(policy, 1, 0.5)).toBe(7_500);
    expect(retryDelayMs(policy, 1, LARGEST)).toBe(10_000);
  });
});

describe("a schedule", () => {
  it("gives its n-th delay after the n-th failed attempt and then repeats its last one", () => {
    const policy = { kind: "schedule", delaysMs: [100, 3_000, 200] } as const;
    expect(fullDelays(policy, 6)).toEqual([100, 3_000, 200, 200, 200, 200]);
  });

  it("knows no delay before the first attempt", () => {
    expect(() => retryDelayMs({ kind: "schedule", delaysMs: [100] }, 0, 0)).toThrow(RangeError);
  });
});

describe("doubling delays", () => {
  it("start at the base, double, and stop growing at the cap", () => {
    const policy = { kind: "doubling", baseMs: 500, maxMs: 30_000 } as const;
    expect(fullDelays(policy, 9)).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  it("stay at the cap for all fifty attempts", () => {
    const policy = { kind: "doubling", baseMs: 3_600_000, maxMs: 86_400_000 } as const;
    expect(fullDelays(policy, 50).at(-1)).toBe(86_400_000);
  });
});

describe("the default policy", () => {
  it("spreads eight attempts over a day and a bit", () => {
    const minute = 60_000;
    const hour = 60 * minute;
    expect(fullDelays(defaultRetryPolicy, 9)).toEqual([
      5_000,
      5 * minute,
      30 * minute,
      2 * hour,
      5 * hour,
      10 * hour,
      10 * hour,
      10 * hour,
      10 * hour,
    ]);
  });
});
