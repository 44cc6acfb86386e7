import fc from "fast-check";
import { afterAll, beforeAll } from "vitest";
import type { ProblemView } from "../../lambdas/contract/views.ts";
import { departuresOf } from "./openapi.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "./runtime-process.ts";
import type { RuntimeProcess } from "./runtime-process.ts";

/**
 * A runtime under inputs that are made up. A failure prints the seed: FUZZ_SEED repeats it, and
 * FUZZ_RUNS=20 takes twenty times as many inputs.
 */

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 1);
const SEED = process.env["FUZZ_SEED"];
const LIMIT_MS = 40_000 * RUNS;

/** For a test: enough to be stopped by fast-check, which prints the seed, and not by vitest. */
export const fuzzed = { timeout: LIMIT_MS + 30_000 };

/** Holds for so many inputs, or says for which not; inputs that time ran out for count as a failure. */
export const check = <T>(
  runs: number,
  inputs: fc.Arbitrary<T>,
  hold: (input: T) => Promise<void>,
) =>
  fc.assert(fc.asyncProperty(inputs, hold), {
    numRuns: runs * RUNS,
    interruptAfterTimeLimit: LIMIT_MS,
    markInterruptAsFailure: true,
    ...(SEED === undefined ? {} : { seed: Number(SEED) }),
  });

/** How many of so many inputs: a share that a test expects, however long it runs. */
export const atLeast = (count: number): number => count * RUNS;

interface FuzzedAnswer {
  readonly status: number;
  readonly text: string;
  /** The mistakes of a problem. */
  readonly errors: ProblemView["errors"];
}

/** Starts a runtime for a test file, whose every answer is held to the description and below 500. */
export const runtimeUnderFuzz = () => {
  let dataDir: string;
  let runtime: RuntimeProcess;
  beforeAll(async () => {
    dataDir = await makeDataDir();
    runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
  });
  afterAll(async () => {
    await runtime.stop();
    await removeDataDir(dataDir);
  });

  const ask = async (
    method: string,
    path: string,
    init: RequestInit = {},
  ): Promise<FuzzedAnswer> => {
    const response = await fetch(`${runtime.url}${path}`, { method, ...init });
    const { status, headers } = response;
    const text = await response.text();
    const departures = departuresOf({ method, path, status, headers, text });
    if (departures.length > 0 || status >= 500) {
      throw new Error(`${method} ${path}: ${status} ${text}\n${departures.join("\n")}`);
    }
    return { status, text, errors: mistakesIn(text) };
  };
  const post = (path: string, text: string, headers: Record<string, string> = {}) =>
    ask("POST", path, { body: text, headers: { "content-type": "application/json", ...headers } });
  return { ask, post };
};

const mistakesIn = (text: string): ProblemView["errors"] =>
  text === "" ? [] : ((JSON.parse(text) as Partial<ProblemView>).errors ?? []);
