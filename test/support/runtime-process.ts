import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

const program = fileURLToPath(new URL("../../bin/local.ts", import.meta.url));

/** `npm start`, as a process of its own that can be killed. */
export interface RuntimeProcess {
  readonly url: string;
  readonly pid: number;
  readonly output: () => string;
  /** Resolves with the exit status, or the signal that ended it. */
  readonly exit: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
  /** SIGKILL to it and all that it started. */
  killAll(): Promise<void>;
  /** Asks it to end, and waits. */
  stop(): Promise<void>;
}

export const makeDataDir = (): Promise<string> => mkdtemp(join(tmpdir(), "pulsegate-test-"));
export const removeDataDir = (dataDir: string): Promise<void> =>
  rm(dataDir, { recursive: true, force: true, maxRetries: 5 });

/** Starts a runtime; resolves when it is ready, or with its exit if it never was. */
export const startRuntimeProcess = async (
  dataDir: string,
  environment: Record<string, string> = {},
): Promise<RuntimeProcess> => {
  const { process: runtime, exit, output } = spawnRuntime(dataDir, environment);
  const ended = exit.then((status) => `ended with ${status}`);
  const url = await eventually(`the runtime listens: ${output()}`, async () => {
    const announced = /listens on (http:\S+)/.exec(output())?.[1];
    if (announced !== undefined) return announced;
    const reason = await Promise.race([ended, Promise.resolve(undefined)]);
    if (reason !== undefined) throw new Error(`the runtime ${reason}: ${output()}`);
    return undefined;
  });
  return { ...runtime, url };
};

/** The same on a data folder of its own, which goes when it stops. */
export const startOwnRuntime = async (
  environment: Record<string, string> = { LOG_LEVEL: "error" },
): Promise<RuntimeProcess & { readonly dataDir: string }> => {
  const dataDir = await makeDataDir();
  const runtime = await startRuntimeProcess(dataDir, environment);
  const stop = async () => {
    await runtime.stop();
    await removeDataDir(dataDir);
  };
  return { ...runtime, dataDir, stop };
};

export const spawnRuntime = (
  dataDir: string,
  environment: Record<string, string> = {},
  command: readonly string[] = [process.execPath, program],
): {
  readonly process: Omit<RuntimeProcess, "url">;
  readonly exit: Promise<number | string>;
  readonly output: () => string;
} => {
  const [executable = "", ...args] = command;
  const child = spawn(executable, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PORT: "0", PULSEGATE_DATA_DIR: dataDir, ...environment },
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  const pid = child.pid ?? 0;
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  return {
    exit,
    output: () => text,
    process: {
      pid,
      exit,
      output: () => text,
      kill,
      killAll: async () => {
        for (const emulator of [pid, ...emulatorPids(dataDir)]) {
          try {
            process.kill(emulator, "SIGKILL");
          } catch {
            // It is gone already.
          }
        }
        await exit;
      },
      stop: async () => {
        kill("SIGTERM");
        await exit;
      },
    },
  };
};

/** The processes that the runtime has on record as started on this folder. */
export const emulatorPids = (dataDir: string): readonly number[] => {
  const record = JSON.parse(readFileSync(join(dataDir, "emulators.json"), "utf8")) as {
    readonly pid: number;
  }[];
  return record.map(({ pid }) => pid);
};
