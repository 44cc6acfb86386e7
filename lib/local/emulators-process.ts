/**
 * The program that runs the emulators: fauxqs (SQS) and our Scheduler inside it, dynoxide
 * (DynamoDB) as its child.
 * A process of its own, because fauxqs with its SQLite inside the runtime's process delivers a
 * third fewer jobs, and a process group of its own, so that a Ctrl-C leaves them to the runtime,
 * which first finishes its attempts. `emulators.ts` starts it.
 *
 * stdin   one line of JSON, an EmulatorsOrder; then nothing, until its end ends the emulators. The
 *         kernel closes the pipe when the runtime dies, so they never outlive it.
 * stdout  one line of JSON, an EmulatorsReport, when they answer; one more with the error, if they
 *         end unasked later.
 * exit    0 when asked to end (end of stdin, SIGTERM), 1 otherwise.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { recordEmulators } from "./data-folder.ts";
import { localSqs } from "./clients.ts";
import { LOOPBACK, startFauxqs } from "./fauxqs.ts";
import { startScheduler } from "./scheduler/server.ts";

export interface EmulatorsOrder {
  readonly dataDir: string;
  /** Undefined: no DynamoDB. */
  readonly dynoxideBin: string | undefined;
  readonly sqs: boolean;
  readonly scheduler: boolean;
  /** Where the Scheduler sends to, if not to the queues here. */
  readonly sqsEndpoint: string | undefined;
}

export type EmulatorsReport =
  | { readonly error: string }
  | {
      readonly error?: undefined;
      readonly dynamodbEndpoint?: string | undefined;
      readonly sqsEndpoint?: string | undefined;
      readonly schedulerEndpoint?: string | undefined;
    };

const PORT_ATTEMPTS = 5;
const DYNOXIDE_START_MS = 15_000;
const DYNOXIDE_TERM_MS = 3_000;
const END_MS = 5_000;

/** What ends that which has been started so far. */
const closers: (() => Promise<unknown>)[] = [];
let ending = false;

process.on("SIGINT", () => {
  // Meant for the runtime, which closes the pipe when it is done.
});
process.on("SIGTERM", () => void end(0));
process.on("SIGHUP", () => void end(0));
process.on("uncaughtException", (error) => void end(1, `the emulators failed: ${error.message}`));
process.stdout.on("error", () => {
  // Nobody listens any more; the end of stdin says so too.
});
createInterface({ input: process.stdin })
  .once("line", (line) => void start(JSON.parse(line) as EmulatorsOrder))
  .once("close", () => void end(0));

async function start(order: EmulatorsOrder): Promise<void> {
  const { dataDir, dynoxideBin } = order;
  try {
    const [dynamodbEndpoint, { sqsEndpoint, schedulerEndpoint }] = await Promise.all([
      dynoxideBin === undefined ? undefined : startDynoxide(dynoxideBin, dataDir),
      startMessaging(order),
    ]);
    report({ dynamodbEndpoint, sqsEndpoint, schedulerEndpoint });
  } catch (error) {
    await end(1, messageOf(error));
  }
}

async function end(exitCode: number, error?: string): Promise<void> {
  if (ending) return;
  if (error !== undefined) report({ error });
  ending = true;
  await Promise.race([Promise.allSettled(closers.map((close) => close())), sleep(END_MS)]);
  process.exit(exitCode);
}

function report(line: EmulatorsReport): void {
  if (!ending) process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function startMessaging({ dataDir, sqs, scheduler, ...order }: EmulatorsOrder) {
  const sqsEndpoint = sqs ? await startQueues(dataDir) : undefined;
  const sendTo = sqsEndpoint ?? order.sqsEndpoint;
  if (!scheduler || sendTo === undefined) return { sqsEndpoint, schedulerEndpoint: undefined };
  const started = await startScheduler({
    folder: join(dataDir, "schedules"),
    sqs: localSqs(sendTo),
  });
  // Before the queues that it sends to.
  closers.unshift(() => started.close());
  return { sqsEndpoint, schedulerEndpoint: started.endpoint };
}

async function startQueues(dataDir: string): Promise<string> {
  const fauxqs = await startFauxqs(join(dataDir, "queues"));
  closers.push(() => fauxqs.close());
  return fauxqs.endpoint;
}

async function startDynoxide(bin: string, dataDir: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    // dynoxide takes port 0, but does not tell which port it was given.
    const port = await freePort();
    const refusal = await launchDynoxide(bin, dataDir, port);
    if (refusal === undefined) return `http://${LOOPBACK}:${port}`;
    const portTaken = /already in use|failed to bind/.test(refusal);
    if (!portTaken || attempt === PORT_ATTEMPTS) throw new Error(refusal);
  }
}

/** Answers undefined when it listens, else why it does not. */
async function launchDynoxide(
  bin: string,
  dataDir: string,
  port: number,
): Promise<string | undefined> {
  const table = join(dataDir, "table.db");
  if (ending) return "the emulators are ending";
  const child = spawn(bin, ["--host", LOOPBACK, "--port", String(port), "--db-path", table], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (child.pid !== undefined) recordEmulators(dataDir, [process.pid, child.pid]);
  closers.push(() => endChild(child));

  let complaint = "";
  const listening = new Promise<"listening">((resolve) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      // Its contract with whoever waits for it, printed once the port is bound.
      if (line.startsWith("Dynoxide listening on")) resolve("listening");
      else if (line.trim() !== "") complaint = line.replace(/^error: /, "").trim();
    });
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be run (${error.message})`));
    child.once("close", (code, signal) => {
      const said = complaint === "" ? "" : `: ${complaint}`;
      resolve(`ended with ${signal ?? `status ${code}`}${said}`);
    });
  });
  const outcome = await Promise.race([listening, ended, sleep(DYNOXIDE_START_MS, "late")]);
  if (outcome === "late") return `${bin} did not listen within ${DYNOXIDE_START_MS / 1000} s`;
  if (outcome !== "listening") {
    const broken = /not a valid SQLite database|database disk image is malformed/.exec(outcome);
    return broken === null
      ? `${bin} cannot serve the table ${table}: it ${outcome}`
      : `The table ${table} is broken; move it away to start with an empty one (${broken[0]})`;
  }
  void ended.then((how) => end(1, `dynoxide ${how}`));
  return undefined;
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  if ((await Promise.race([gone, sleep(DYNOXIDE_TERM_MS, "late")])) === "late") {
    child.kill("SIGKILL");
    await gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
