import type { TestContext } from "vitest";
import type { Deviation } from "./deviation.ts";

/**
 * For `afterEach`: a test that is listed passes if it failed as its entry says. Whatever else went
 * wrong with it is no known deviation and stays a failure, and so does a test that passed.
 */
export const expectDeviations =
  (listed: readonly Deviation[]) =>
  ({ task }: Pick<TestContext, "task">): void => {
    const deviation = listed.find(({ test }) => test === task.name);
    if (deviation === undefined) return;
    refuseOther(
      deviation,
      (task.result?.errors ?? []).map(({ name, message }) => `${name}: ${message}`),
    );
    Object.assign(task, { fails: true });
  };

/** @throws Error unless these are the failures that show the deviation */
export const refuseOther = (
  { server, failsWith }: Pick<Deviation, "server" | "failsWith">,
  failures: readonly string[],
): void => {
  if (failures.length === 0) {
    throw new Error(`${server} does this by now: its entry in deviations.ts has to go`);
  }
  const others = failures.filter((failure) => !failsWith.test(failure));
  if (others.length === 0) return;
  throw new Error(
    `not the deviation that is known of ${server}, ${failsWith}, but ${others.join("; ")}`,
  );
};

/** @throws Error if an entry is for a title that no test of the suite bears */
export const requireTitles = (listed: readonly Deviation[], titles: ReadonlySet<string>): void => {
  for (const { suite, test } of listed) {
    if (titles.has(test)) continue;
    throw new Error(`deviations.ts lists "${test}", which is no test of ${suite}`);
  }
};
