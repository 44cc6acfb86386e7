import type { Plan } from "./plan.ts";
import { runSimulation } from "./run.ts";
import type { RunResult } from "./run.ts";

/** So many runs a failure is worth. */
const MAX_RUNS = 2_000;

/** A failure with nothing left that it could do without. */
export interface Shrunk {
  readonly plan: Plan;
  readonly without: ReadonlySet<string>;
  readonly result: RunResult;
}

/**
 * Takes jobs, outages and single faults away for as long as the same promise is broken. By halves
 * at first, then one by one (delta debugging: Zeller and Hildebrandt, "Simplifying and Isolating
 * Failure-Inducing Input", 2002).
 */
export const shrink = async (
  failed: RunResult,
  run: typeof runSimulation = runSimulation,
): Promise<Shrunk> => {
  const promise = kindOf(failed);
  let runs = 0;
  const fails = async (plan: Plan, without: ReadonlySet<string>): Promise<boolean> => {
    if ((runs += 1) > MAX_RUNS) return false;
    const { violations } = await run(plan, { without });
    return violations.some(({ what }) => generalOf(what) === promise);
  };

  const none: ReadonlySet<string> = new Set();
  let { plan } = failed;
  const withJobs = (jobs: Plan["jobs"]): Plan => ({ ...plan, jobs });
  // Most often the job alone will do, and spares the search.
  const ordinals = failed.ordinalsOf.get(failed.violations[0]?.jobId ?? "") ?? [];
  const own = plan.jobs.filter(({ ordinal }) => ordinals.includes(ordinal));
  const suspects = (await fails(withJobs(own), none)) ? own : plan.jobs;
  plan = withJobs(await minimize(suspects, (jobs) => fails(withJobs(jobs), none)));
  for (const part of ["outages", "lists"] as const) {
    const kept = await minimize<unknown>(plan[part], (some) =>
      fails({ ...plan, [part]: some }, none),
    );
    plan = { ...plan, [part]: kept } as Plan;
  }

  const { faults } = await run(plan);
  const allBut = (kept: readonly string[]): ReadonlySet<string> => {
    const keep = new Set(kept);
    return new Set(faults.filter((fault) => !keep.has(fault)));
  };
  const kept = await minimize(faults, (some) => fails(plan, allBut(some)));
  const without = allBut(kept);
  return { plan, without, result: await run(plan, { without, isTraced: true }) };
};

/** The smallest part of a list that still fails, as far as taking chunks away leads. */
const minimize = async <T>(
  all: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> => {
  let kept = all;
  for (let chunk = Math.ceil(kept.length / 2); chunk >= 1; chunk = Math.floor(chunk / 2)) {
    for (let from = 0; from < kept.length;) {
      const some = [...kept.slice(0, from), ...kept.slice(from + chunk)];
      if (await fails(some)) kept = some;
      else from += chunk;
    }
  }
  return kept;
};

const kindOf = ({ violations }: RunResult): string => generalOf(violations[0]?.what ?? "");

/** The same promise, whatever the numbers. */
const generalOf = (what: string): string => what.replaceAll(/\d+/g, "n");
