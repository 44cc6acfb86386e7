import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";

interface Started {
  stop(): Promise<void>;
}

/**
 * What `start` makes: there from before the first test of the file, or of the `describe` around, to
 * after the last one. What was started last is stopped first.
 */
export const forAllTests = <T extends Started>(start: () => Promise<T>): T =>
  between(beforeAll, afterAll, start);

/** The same anew for every test. */
export const forEachTest = <T extends Started>(start: () => Promise<T>): T =>
  between(beforeEach, afterEach, start);

type Hook = (run: () => Promise<void>) => void;

/** Stands for what is started later, so that a file can name it at its top. */
const between = <T extends Started>(before: Hook, after: Hook, start: () => Promise<T>): T => {
  let current: T | undefined;
  before(async () => {
    current = await start();
  });
  after(async () => {
    await current?.stop();
    current = undefined;
  });
  return new Proxy({} as T, {
    get: (_, name): unknown => {
      if (current === undefined) throw new Error(`${String(name)} is asked for outside of a test`);
      return Reflect.get(current, name);
    },
  });
};
