import { makePlan } from "./plan.ts";
import { runSimulation } from "./run.ts";
import type { RunResult } from "./run.ts";

export interface SeedsOptions {
  readonly hours: number;
  readonly jobs: number;
  /** The next seed, or `undefined` when it is enough. */
  readonly next: () => number | undefined;
}

export interface SeedsResult {
  readonly seeds: number;
  readonly lives: number;
  readonly requests: number;
  readonly faults: number;
  /** The first run that broke a promise, if one did. */
  readonly failed: RunResult | undefined;
}

/** Runs seed after seed, until one breaks a promise or it is enough. */
export const runSeeds = async ({ hours, jobs, next }: SeedsOptions): Promise<SeedsResult> => {
  let [seeds, lives, requests, faults] = [0, 0, 0, 0];
  for (let seed = next(); seed !== undefined; seed = next()) {
    const result = await runSimulation(makePlan({ seed, hours, jobs }));
    seeds += 1;
    lives += result.counts.jobs;
    requests += result.counts.requests;
    faults += result.faults.length;
    if (result.violations.length > 0) return { seeds, lives, requests, faults, failed: result };
  }
  return { seeds, lives, requests, faults, failed: undefined };
};
