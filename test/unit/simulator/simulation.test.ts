import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { makePlan } from "../../simulator/plan.ts";
import { faultyTextsOf } from "../../simulator/plant.ts";
import { plantedFaults } from "../../simulator/planted-faults.ts";
import { runSimulation } from "../../simulator/run.ts";
import { shrink } from "../../simulator/shrink.ts";

const simulate = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, ["test/simulator/main.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, output };
};

describe("a simulation", () => {
  it("of one seed is the same each time, and of another seed another one", async () => {
    const digestOf = async (seed: number) =>
      (await runSimulation(makePlan({ seed, hours: 1, jobs: 30 }))).digest;
    const [first, again, other] = [await digestOf(4), await digestOf(4), await digestOf(5)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it.each(Array.from({ length: 20 }, (_, seed) => seed + 1))(
    "of seed %i breaks no promise",
    async (seed) => {
      const { violations, counts } = await runSimulation(makePlan({ seed, hours: 1, jobs: 60 }));
      expect(violations).toEqual([]);
      expect(counts.requests).toBeGreaterThan(0);
    },
  );

  it.each([
    // Copies of one message doubled with each death of the worker that had them.
    [5911, 200],
    // The verdict knew of no conflict with a job whose client had not heard that it is accepted.
    [501228456, 200],
    // Each repeat's own message raised the tombstone that then refused its put.
    [204, 200],
    [222, 200],
  ])("of seed %i, with %i jobs, breaks no promise any more", async (seed, jobs) => {
    expect((await runSimulation(makePlan({ seed, hours: 1, jobs }))).violations).toEqual([]);
  });

  it("does not lack faults: each kind happens", async () => {
    const kinds = new Set<string>();
    for (let seed = 100; seed < 130; seed += 1) {
      const { faults } = await runSimulation(makePlan({ seed, hours: 1, jobs: 40 }));
      for (const fault of faults) kinds.add(fault.slice(0, fault.indexOf(" at ")));
    }
    expect([...kinds].toSorted()).toEqual([
      "answer_lost",
      "batch_in_part",
      "carried_out_late",
      "client_hears_nothing",
      "delete_lost",
      "fired_at_once",
      "fired_late",
      "fired_twice",
      "frozen_after",
      "frozen_before",
      "index_stale",
      "invocation_throttled",
      "keys_unprocessed",
      "killed_after",
      "killed_before",
      "message_doubled",
      "message_late",
      "old_receipt_deletes",
      "request_lost",
      "throttled",
      "transaction_conflict",
    ]);
  });
});

describe("a planted fault", () => {
  it.each(plantedFaults)("$name stands in our code as it is", (fault) => {
    expect(faultyTextsOf(fault).size).toBeGreaterThan(0);
  });

  it("is found, and told as the story of one job with the seed that shows it", async () => {
    const { code, output } = await simulate(
      "--planted",
      "result-before-next-message",
      "--seed",
      "1",
      "--seeds",
      "20",
    );
    expect(code).toBe(1);
    expect(output).toMatch(/seed \d+ breaks a promise \(again: npm run simulate -- --seed \d+/);
    expect(output).toContain("Broken: it was accepted, and is lost: waiting for ever job_");
    expect(output.match(/^job \d+ of /gm)).toHaveLength(1);
  });
});

describe("a failure is made smaller", () => {
  it("to what it needs", async () => {
    const plan = makePlan({ seed: 3, hours: 1, jobs: 25 });
    const whole = await runSimulation(plan);
    // As if one job's mere being were a broken promise.
    const [[jobId = "", [own = -1] = []] = []] = whole.ordinalsOf;
    const { plan: smallest } = await shrink(
      { ...whole, violations: [{ jobId, what: "at rest there are still 1 messages in parked" }] },
      async (candidate) => ({
        ...(await runSimulation(candidate)),
        violations: candidate.jobs.some(({ ordinal }) => ordinal === own)
          ? [{ jobId, what: "at rest there are still 1 messages in parked" }]
          : [],
      }),
    );
    expect(smallest.jobs.map(({ ordinal }) => ordinal)).toEqual([own]);
    expect(smallest.outages).toEqual([]);
  });
});

describe("npm run simulate", () => {
  it("runs one seed, and says what it did", async () => {
    const { code, output } = await simulate("--seed", "7", "--jobs", "20");
    expect(output).toMatch(/^from seed 7 on, 20 posts planned and 1 h a seed/);
    expect(output).toMatch(/1 seeds: \d+ jobs \(.+\), \d+ requests, \d+ faults/);
    expect(output).toContain("no promise was broken");
    expect(code).toBe(0);
  });

  it("refuses what is no number, by its name", async () => {
    expect(await simulate("--jobs", "many")).toMatchObject({
      code: 1,
      output: expect.stringContaining('--jobs must be a number above 0, not "many"'),
    });
  });

  it("knows no other planted faults than those", async () => {
    const { code, output } = await simulate("--planted", "nothing");
    expect(code).toBe(1);
    expect(output).toContain("no fault is called nothing: no-tombstone");
  });
});
