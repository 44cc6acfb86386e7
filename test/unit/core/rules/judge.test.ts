import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge } from "../../../../lambdas/core/rules/judge.ts";
import { aJob } from "../../support/a-job.ts";
import { asArguments, judgeTable } from "../../support/judge-table.ts";
import type { Situation } from "../../support/judge-table.ts";

const standings = [
  "absent",
  "tombstone",
  "pointer",
  "waiting",
  "processing",
  "success",
  "failed",
  "dlq",
  "cancelled",
] as const;
const relations = ["<", "=", ">"] as const;
const dues = [null, -86_400_000, -1, 0, 1, 999, 3_600_000];
const leases = [-86_400_000, -1, 0, 1, 999, 1_000, 1_001, 45_000];
const ages = [0, 1, 1_999, 2_000, 4_999, 5_000, 29_999, 30_000, 59_999, 60_000, 86_400_000];

const allSituations: readonly Situation[] = standings.flatMap((standing) =>
  relations.flatMap((generation) =>
    relations.flatMap((attempt) =>
      dues.flatMap((dueInMs) =>
        leases.flatMap((leaseLeftMs) =>
          ages.map((ageMs) => ({ standing, generation, attempt, dueInMs, leaseLeftMs, ageMs })),
        ),
      ),
    ),
  ),
);

describe("the table of rules", () => {
  it.each(judgeTable)("says: $line", ({ holds, decision }) => {
    const situations = allSituations.filter(holds);
    expect(situations.length).toBeGreaterThan(0);
    for (const situation of situations) {
      expect(judge(...asArguments(situation)), JSON.stringify(situation)).toEqual(
        decision(situation),
      );
    }
  });

  it("has exactly one line for every combination", () => {
    for (const situation of allSituations) {
      const lines = judgeTable.filter(({ holds }) => holds(situation));
      expect(lines.length, JSON.stringify(situation)).toBe(1);
    }
  });

  it("holds for any time and age, not only at its borders", () => {
    const anySituation = fc.record({
      standing: fc.constantFrom(...standings),
      generation: fc.constantFrom(...relations),
      attempt: fc.constantFrom(...relations),
      dueInMs: fc.option(fc.integer({ min: -400 * 86_400_000, max: 400 * 86_400_000 })),
      leaseLeftMs: fc.integer({ min: -86_400_000, max: 120_000 }),
      ageMs: fc.oneof(fc.integer({ min: -5_000, max: 70_000 }), fc.nat(14 * 86_400_000)),
    });
    fc.assert(
      fc.property(anySituation, (situation) => {
        const [line, ...others] = judgeTable.filter(({ holds }) => holds(situation));
        expect(others).toEqual([]);
        expect(judge(...asArguments(situation))).toEqual(line?.decision(situation));
      }),
      { numRuns: 2_000 },
    );
  });

  it("holds for generations and attempts that are further apart", () => {
    const numbers = fc.record({
      job: fc.record({ generation: fc.nat(10_000), attempts: fc.integer({ min: 1, max: 50 }) }),
      message: fc.record({ generation: fc.nat(10_000), attempt: fc.integer({ min: 1, max: 60 }) }),
      ageMs: fc.nat(120_000),
    });
    fc.assert(
      fc.property(numbers, ({ job, message, ageMs }) => {
        const waiting = aJob(job);
        const { do: decision } = judge(waiting, message, 0, ageMs);
        const expected =
          message.generation < job.generation
            ? "delete"
            : message.generation > job.generation
              ? ageMs < 60_000
                ? "return"
                : "fence"
              : message.attempt === job.attempts + 1
                ? "claim"
                : "delete";
        expect(decision).toBe(expected);
      }),
    );
  });
});

describe("a message that waits for its job", () => {
  const waitsOf = (standing: Parameters<typeof judge>[0], firstAgeMs: number) => {
    const waits: number[] = [];
    let ageMs = firstAgeMs;
    for (let round = 0; round < 20; round += 1) {
      const decision = judge(standing, { generation: 1, attempt: 1 }, 0, ageMs);
      if (decision.do !== "return") return { waits, ageMs, last: decision.do };
      waits.push(decision.afterMs);
      ageMs += decision.afterMs;
    }
    throw new Error("it never came to an end");
  };

  it("comes back at growing intervals and is given up when it is a minute old", () => {
    expect(waitsOf({ kind: "absent" }, 2_000)).toEqual({
      waits: [2_000, 4_000, 8_000, 16_000, 28_000],
      ageMs: 60_000,
      last: "tombstone",
    });
    expect(waitsOf(aJob(), 0)).toEqual({
      waits: [1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 28_000],
      ageMs: 60_000,
      last: "fence",
    });
  });

  it("is never given up before its minute, and at most a second after it", () => {
    fc.assert(
      fc.property(fc.nat(59_999), (firstAgeMs) => {
        const { waits, ageMs } = waitsOf(aJob(), firstAgeMs);
        for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(1_000);
        expect(ageMs).toBeGreaterThanOrEqual(60_000);
        expect(ageMs).toBeLessThanOrEqual(61_000);
      }),
    );
  });
});
