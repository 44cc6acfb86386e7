import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { startEmulators } from "../../lib/local/emulators.ts";
import type { Emulators, EmulatorsProps } from "../../lib/local/emulators.ts";
import { isRunning } from "./processes.ts";

interface Recorded {
  readonly pid: number;
}

/** A data folder for each test, the emulators that it starts there, and what is left of them. */
export const emulatorsForEachTest = () => {
  let dataDir = "";
  const started: Emulators[] = [];

  /** The host of the emulators first, then dynoxide. */
  const recorded = async (): Promise<readonly Recorded[]> => {
    const record = await readFile(join(dataDir, "emulators.json"), "utf8").catch(() => "[]");
    return JSON.parse(record) as readonly Recorded[];
  };
  /** Those on record that still run. */
  const alive = async (): Promise<readonly number[]> =>
    (await recorded()).map(({ pid }) => pid).filter(isRunning);

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pulsegate-emulators-"));
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((emulators) => emulators.stop()));
    // There are none, unless a test failed.
    for (const pid of await alive()) process.kill(pid, "SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    inFolder: (name = "") => join(dataDir, name),
    recorded,
    alive,
    start: async (props: Partial<EmulatorsProps> = {}) => {
      const all = { dynamodb: true, sqs: true, scheduler: true };
      const emulators = await startEmulators({ dataDir, ...all, ...props });
      started.push(emulators);
      return emulators;
    },
  };
};
