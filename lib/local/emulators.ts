import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { recordEmulators } from "./data-folder.ts";
import type { EmulatorsOrder, EmulatorsReport } from "./emulators-process.ts";
import { findDynoxide } from "./find-dynoxide.ts";

export interface EmulatorsProps {
  /** Where the data lives; made and locked by `openDataFolder`. */
  readonly dataDir: string;
  /** The dynoxide program. @default found by itself */
  readonly dynoxideBin?: string | undefined;
  /** Whether to run DynamoDB, and SQS: false where the user named another endpoint. */
  readonly dynamodb: boolean;
  readonly sqs: boolean;
  /** Whether to run the Scheduler; it sends to the queues here, or to those at `sqsEndpoint`. */
  readonly scheduler: boolean;
  readonly sqsEndpoint?: string | undefined;
}

export interface Emulators {
  readonly dynamodbEndpoint: string | undefined;
  readonly sqsEndpoint: string | undefined;
  readonly schedulerEndpoint: string | undefined;
  /** Resolves with a reason of one line if they end unasked; never rejects. */
  readonly died: Promise<string>;
  /** Ends them, with their data written; may be called again. */
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL("emulators-process.ts", import.meta.url));
const START_MS = 30_000;
/** The process gives itself 5 s. */
const STOP_MS = 10_000;

/**
 * Starts the emulators and answers when both do. They live in a process of their own, which ends
 * with this one: see `emulators-process.ts`. What keeps them from starting is thrown as an error
 * of one line.
 */
export async function startEmulators(props: EmulatorsProps): Promise<Emulators> {
  const order: EmulatorsOrder = {
    dataDir: resolve(props.dataDir),
    dynoxideBin: props.dynamodb ? findDynoxide(props.dynoxideBin) : undefined,
    sqs: props.sqs,
    scheduler: props.scheduler,
    sqsEndpoint: props.sqsEndpoint,
  };
  if (!props.dynamodb && !props.sqs && !props.scheduler) return noEmulators;

  const child = spawn(process.execPath, [program], { detached: true, stdio: "pipe" });
  child.stdin.on("error", () => {
    // It is gone before it read its order: its exit tells more.
  });
  const gone = once(child, "close").then(
    () => undefined,
    () => undefined,
  );
  // A dynoxide whose parent was killed would go on by itself, in the same process group.
  child.once("exit", () => killGroup(child));
  const { first, last } = readReports(child);

  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= end(child, gone));
  const late: EmulatorsReport = {
    error: `The emulators did not answer within ${START_MS / 1000} s`,
  };
  let report: EmulatorsReport;
  try {
    // In this order: a runtime that is killed here leaves nothing at work that is not on record.
    if (child.pid !== undefined) recordEmulators(order.dataDir, [child.pid]);
    child.stdin.write(`${JSON.stringify(order)}\n`);
    report = await Promise.race([first, sleep(START_MS, late, { ref: false })]);
    if (report.error !== undefined) throw new Error(report.error);
  } catch (error) {
    await stop();
    throw error;
  }
  const died = last.then((reason) =>
    stopping === undefined ? reason : new Promise<never>(() => {}),
  );
  const { dynamodbEndpoint, sqsEndpoint, schedulerEndpoint } = report;
  return { dynamodbEndpoint, sqsEndpoint, schedulerEndpoint, died, stop };
}

const noEmulators: Emulators = {
  dynamodbEndpoint: undefined,
  sqsEndpoint: undefined,
  schedulerEndpoint: undefined,
  died: new Promise(() => {}),
  stop: () => Promise.resolve(),
};

interface Reports {
  /** The report of its start, or why there is none. */
  readonly first: Promise<EmulatorsReport>;
  /** Why it ended, if it was not asked to. */
  readonly last: Promise<string>;
}

function readReports(
  child: ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream },
): Reports {
  let complaint: string | undefined;
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (/^\w*Error\b/.test(line)) complaint = line;
  });
  const lines = createInterface({ input: child.stdout });
  const last = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`the emulators cannot be started (${error.message})`));
    child.once("close", (code, signal) => {
      resolve(complaint ?? `the emulators ended with ${signal ?? `status ${code}`}`);
    });
  });
  const first = new Promise<EmulatorsReport>((resolve) => {
    lines.on("line", (line) => {
      const report = JSON.parse(line) as EmulatorsReport;
      complaint = report.error;
      resolve(report);
    });
    void last.then((error) => resolve({ error }));
  });
  return { first, last };
}

async function end(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  child.stdin?.end();
  if ((await Promise.race([gone, sleep(STOP_MS, "late", { ref: false })])) !== "late") return;
  killGroup(child);
  await gone;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of it is left.
  }
}
