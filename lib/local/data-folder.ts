/**
 * The data folder of the embedded runtime: one runtime at a time works on it, and nothing of a
 * killed one is still at work in it. Beside the data it holds
 *
 * - `lock`, a SQLite file that the runtime keeps in an exclusive transaction. The kernel's file lock
 *   behind it goes with its process, however that ends, so it is never stale: no pid has to be
 *   believed, no heartbeat waited for, and containers that share the folder see it too. It belongs
 *   to the process: whoever opens and closes this file by other means in the runtime's process
 *   takes the lock away.
 * - `runtime.json`, who holds the lock, for the message to whoever comes second.
 * - `emulators.json`, the processes that were started on this folder. They are told from others
 *   that were given the same pid later by their start time.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { access, constants, mkdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  /** Lets the next runtime in; to be called after the emulators have stopped. */
  release(): Promise<void>;
}

interface RunningProcess {
  readonly pid: number;
  readonly startedAt: string;
}

/** Time for a runtime that was just killed to vanish; only then is a second start refused. */
const LOCK_WAIT_MS = 1_000;

/** The emulators give their table 3 s to end, so they get more. */
const LEFTOVER_TERM_MS = 5_000;
const LEFTOVER_KILL_MS = 5_000;

const POLL_MS = 10;
const SQLITE_BUSY = 5;

/** Held here for as long as they are held: the lock of a collected object would be let go. */
const locks = new Set<DatabaseSync>();

/**
 * Makes the folder if needed, takes it for this process alone and ends what a killed runtime left
 * at work in it. What keeps it from that is thrown as an error of one line.
 */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder);
  await makeFolder(path);
  const lock = await takeLock(path);
  try {
    writeRecord(join(path, "runtime.json"), running([process.pid]));
    await endLeftovers(path);
  } catch (error) {
    lock.close();
    throw error;
  }
  locks.add(lock);
  return {
    path,
    async release() {
      if (!locks.delete(lock)) return;
      await rm(join(path, "runtime.json"), { force: true });
      lock.close();
    },
  };
}

/**
 * Writes down which emulator processes work on this folder, so that the next runtime finds them
 * should this one be killed. Synchronous, because nothing may happen between starting a process
 * and recording it.
 */
export function recordEmulators(path: string, pids: readonly number[]): void {
  writeRecord(join(path, "emulators.json"), running(pids));
}

/** Whether a runtime of this machine works on the folder. */
export function isInUse(folder: string): boolean {
  return stillRunning(readRecord(join(resolve(folder), "runtime.json"))).length > 0;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const exists = await stat(path).catch(() => undefined);
    const problem =
      exists === undefined ? `cannot be created (${codeOf(error)})` : "is not a folder";
    throw new Error(`The data folder ${path} ${problem}`, { cause: error });
  }
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`The data folder ${path} cannot be written to (${codeOf(error)})`, {
      cause: error,
    });
  }
}

async function takeLock(path: string): Promise<DatabaseSync> {
  const giveUpAtMs = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (Date.now() >= giveUpAtMs) break;
    await sleep(POLL_MS);
  }
  const [holder] = stillRunning(readRecord(join(path, "runtime.json")));
  const who = holder === undefined ? "another process" : `another PulseGate (pid ${holder.pid})`;
  throw new Error(`The data folder ${path} is in use by ${who}: stop it, or choose another folder`);
}

function tryLock(path: string): DatabaseSync | undefined {
  const file = join(path, "lock");
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The data folder ${path} cannot be locked with its file "lock" (${reason})`, {
      cause: error,
    });
  }
}

async function endLeftovers(path: string): Promise<void> {
  const file = join(path, "emulators.json");
  const leftovers = readRecord(file);
  await endAll(leftovers, "SIGTERM", LEFTOVER_TERM_MS);
  await endAll(leftovers, "SIGKILL", LEFTOVER_KILL_MS);
  const [survivor] = stillRunning(leftovers);
  if (survivor !== undefined)
    throw new Error(
      `The data folder ${path} is in use by process ${survivor.pid} of an earlier run, which cannot be ended: end it by hand`,
    );
  await rm(file, { force: true });
}

async function endAll(
  leftovers: readonly RunningProcess[],
  signal: NodeJS.Signals,
  waitMs: number,
): Promise<void> {
  for (const { pid } of stillRunning(leftovers)) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone in between, or not ours to end: whoever is left is named in the end.
    }
  }
  const giveUpAtMs = Date.now() + waitMs;
  while (stillRunning(leftovers).length > 0 && Date.now() < giveUpAtMs) await sleep(POLL_MS);
}

function writeRecord(file: string, processes: readonly RunningProcess[]): void {
  // Renamed into place: a reader sees the old record or the new one, never half of one.
  try {
    writeFileSync(`${file}.new`, JSON.stringify(processes));
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new Error(`The file ${file} cannot be written (${codeOf(error)})`, { cause: error });
  }
}

function readRecord(file: string): readonly RunningProcess[] {
  try {
    const record: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(record) ? record.filter(isRunningProcess) : [];
  } catch {
    return [];
  }
}

/** Strict about pids, which `kill` also takes as groups (negative) or as everything (-1). */
function isRunningProcess(value: unknown): value is RunningProcess {
  if (typeof value !== "object" || value === null) return false;
  const { pid, startedAt } = value as Partial<Record<keyof RunningProcess, unknown>>;
  return Number.isInteger(pid) && (pid as number) > 1 && typeof startedAt === "string";
}

function running(pids: readonly number[]): readonly RunningProcess[] {
  return pids.flatMap((pid) => {
    const startedAt = startOf(pid);
    return startedAt === undefined ? [] : [{ pid, startedAt }];
  });
}

const stillRunning = (processes: readonly RunningProcess[]) =>
  processes.filter(({ pid, startedAt }) => startOf(pid) === startedAt);

/**
 * When a process started, in whatever form the system tells it; undefined if there is none or only
 * its zombie is left (which under a container's first process may stay for ever).
 */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      // proc_pid_stat(5): the name, which may hold anything, stands in parentheses before field 3.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      const [state, startTicks] = [fields[0], fields[22 - 3]];
      if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
      // Ticks count from boot, so a pid and its ticks may come again after the next one.
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${startTicks}`;
    }
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    const [state = "Z", ...start] = line.split(/\s+/);
    return state.startsWith("Z") || start.length === 0 ? undefined : start.join(" ");
  } catch {
    return undefined;
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);
