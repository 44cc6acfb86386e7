import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Outcome, Share } from "./thread.ts";

/**
 * `npm run simulate`: the product in a world that breaks it, on virtual time, seed after seed.
 *
 * Ends with 1 when a promise was broken, after printing the seed, and what happened in words.
 */
const USAGE = `npm run simulate -- [options]

  --seed N       begins with this one; a fresh one if left out
  --seeds N      runs so many; 1 if a seed is given
  --for SECONDS  runs for so long; --forever runs on
  --hours H      of simulated time in which jobs come and things go wrong (1)
  --jobs N       planned a seed (200); fewer live, as some fall to a dedupe key or a fault
  --planted NAME with a fault in our code, which has to be found`;

try {
  process.exitCode = await simulate();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function simulate(): Promise<number> {
  const { seed, seeds, hours, jobs, planted, ...how } = readArguments();
  const startedAt = performance.now();
  const threads = Math.min(availableParallelism(), seeds);
  const name = planted === undefined ? "" : `, with ${planted} planted`;
  console.log(
    `from seed ${seed} on, ${jobs} posts planned and ${hours} h a seed, ${threads} threads${name}`,
  );
  const shares = Array.from({ length: threads }, (_, thread): Share => {
    const count = Math.ceil((seeds - thread) / threads);
    return { first: seed + thread, step: threads, count, hours, jobs, planted, ...how };
  });
  const results = await Promise.all(shares.map((share) => inThread(share)));
  const total = (of: (result: Outcome) => number) => results.reduce((sum, one) => sum + of(one), 0);
  const seconds = (performance.now() - startedAt) / 1_000;
  const lives = total((one) => one.lives);
  console.log(
    `${total((one) => one.seeds)} seeds: ${lives} jobs (the other posts fell to a dedupe key or a fault), ${total((one) => one.requests)} requests, ` +
      `${total((one) => one.faults)} faults, in ${seconds.toFixed(1)} s (${Math.round(lives / seconds)} jobs/s)`,
  );
  const failed = results.find(({ story }) => story !== undefined);
  console.log(failed?.story ?? "no promise was broken");
  return failed === undefined ? 0 : 1;
}

function inThread(share: Share): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL("thread.ts", import.meta.url), {
      workerData: share,
      // A seed's garbage is young: with so much room it is not copied twice.
      resourceLimits: { maxYoungGenerationSizeMb: 192 },
    });
    thread.once("message", resolve).once("error", reject);
  });
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", default: false },
      seed: { type: "string" },
      seeds: { type: "string" },
      hours: { type: "string", default: "1" },
      jobs: { type: "string", default: "200" },
      for: { type: "string" },
      forever: { type: "boolean", default: false },
      planted: { type: "string" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const number = (name: string, text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !(value > 0 && value <= 1e12)) {
      throw new Error(`--${name} must be a number above 0, not "${text}"`);
    }
    return value;
  };
  const { forever, for: forSeconds } = values;
  const isOpen = forever || forSeconds !== undefined;
  return {
    seed: values.seed === undefined ? randomInt(1, 1_000_000_000) : number("seed", values.seed),
    seeds:
      values.seeds === undefined
        ? isOpen
          ? 1e9
          : values.planted
            ? 200
            : 1
        : number("seeds", values.seeds),
    untilMs: forSeconds === undefined ? Infinity : Date.now() + number("for", forSeconds) * 1_000,
    hours: number("hours", values.hours),
    jobs: number("jobs", values.jobs),
    planted: values.planted,
  };
}
