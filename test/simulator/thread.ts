import { parentPort, workerData } from "node:worker_threads";
import { plant } from "./plant.ts";
import type { RunResult } from "./run.ts";

/** Every so many seeds of a simulation, in a thread of their own. */
export interface Share {
  readonly first: number;
  readonly step: number;
  readonly count: number;
  readonly untilMs: number;
  readonly hours: number;
  readonly jobs: number;
  readonly planted: string | undefined;
}

export interface Outcome {
  readonly seeds: number;
  readonly lives: number;
  readonly requests: number;
  readonly faults: number;
  readonly story: string | undefined;
}

const share = workerData as Share;
// Faults are thrown by the thousand, and nobody reads where.
Error.stackTraceLimit = 0;
if (share.planted !== undefined) plant(share.planted);
// Imported now, so that what is planted is in it.
const { runSeeds } = await import("./seeds.ts");
const { shrink } = await import("./shrink.ts");
const { storyOf } = await import("./story.ts");

let run = 0;
const { failed, ...counts } = await runSeeds({
  hours: share.hours,
  jobs: share.jobs,
  next: () => {
    if (run >= share.count || Date.now() >= share.untilMs) return undefined;
    run += 1;
    return share.first + (run - 1) * share.step;
  },
});
const outcome: Outcome = { ...counts, story: failed && (await told(failed)) };
parentPort?.postMessage(outcome, []);

async function told(result: RunResult): Promise<string> {
  const { seed } = result.plan;
  const again = `npm run simulate -- --seed ${seed} --hours ${share.hours} --jobs ${share.jobs}`;
  const story = storyOf(await shrink(result));
  return `\nseed ${seed} breaks a promise (again: ${again})\n\n${story}`;
}
