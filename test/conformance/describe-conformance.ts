import { describe, it } from "vitest";
import { deviations } from "./deviations.ts";
import type { SuiteName } from "./deviations.ts";

/** States one thing that holds on every implementation; a title stands once in a suite. */
export type State = (title: string, proof: () => Promise<void> | void) => void;

/**
 * A suite over one implementation. What `deviations.ts` lists for it is expected to fail, so that
 * the entry cannot outlive the fault; an entry without its test fails the suite.
 *
 * @param what the implementation, by its name in `deviations.ts` if it is one of a server's
 */
export const describeConformance = (
  suite: SuiteName,
  what: string,
  states: (state: State) => void,
): void => {
  // Most of a test's time is waiting, and each has keys and queues of its own.
  describe(`${suite} of ${what}`, { concurrent: true }, () => {
    const listed = new Set(
      deviations
        .filter((deviation) => deviation.suite === suite && deviation.server === what)
        .map(({ test }) => test),
    );
    const titles = new Set<string>();
    states((title, proof) => {
      if (titles.has(title)) throw new Error(`two tests of ${suite} are called "${title}"`);
      titles.add(title);
      (listed.has(title) ? it.fails : it)(title, proof);
    });
    const unknown = [...listed].filter((title) => !titles.has(title));
    if (unknown.length > 0) {
      throw new Error(`deviations.ts lists no tests of ${suite}: ${unknown.join("; ")}`);
    }
  });
};

/** The name of the error that a call was refused with, or `accepted`. */
export const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "accepted",
    (error: Error) => error.name,
  );
