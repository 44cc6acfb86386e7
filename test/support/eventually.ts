import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits for a fact: asks until the answer is not `undefined`, or throws what it was waiting for.
 */
export const eventually = async <T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = 15_000,
): Promise<T> => {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(25);
  }
};
