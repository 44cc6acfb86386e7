import { afterEach, describe, it } from "vitest";
import type { SuiteName } from "./deviation.ts";
import { deviations } from "./deviations.ts";
import { expectDeviations, requireTitles } from "./expect-deviations.ts";

/** States one thing that holds on every implementation; a title stands once in a suite. */
export type State = (title: string, proof: () => Promise<void> | void) => void;

/**
 * A suite over one implementation. What `deviations.ts` lists for it is expected to fail as
 * the entry says, so that it cannot outlive the fault; an entry without its test fails the suite.
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
    const listed = deviations.filter(
      (deviation) => deviation.suite === suite && deviation.server === what,
    );
    afterEach(expectDeviations(listed));
    const titles = new Set<string>();
    states((title, proof) => {
      if (titles.has(title)) throw new Error(`two tests of ${suite} are called "${title}"`);
      titles.add(title);
      it(title, proof);
    });
    requireTitles(listed, titles);
  });
};

/** The name of the error that a call was refused with, or `accepted`. */
export const refusalOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "accepted",
    (error: Error) => error.name,
  );
