import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { isRunning, listeningSockets } from "../support/processes.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import {
  emulatorPids,
  makeDataDir,
  removeDataDir,
  spawnRuntime,
  startRuntimeProcess,
} from "../support/runtime-process.ts";

let dataDir: string;
let receiver: Receiver;

beforeEach(async () => {
  dataDir = await makeDataDir();
  receiver = await startReceiver();
});
afterEach(async () => {
  await receiver.stop();
  await removeDataDir(dataDir);
});

describe("what keeps it from starting is said in one line, with exit status 1", () => {
  const refusal = async (environment: Record<string, string>, folder = dataDir) => {
    const { exit, output } = spawnRuntime(folder, environment);
    expect(await exit).toBe(1);
    const lines = output().trim().split("\n");
    expect(lines).toHaveLength(1);
    return lines[0] ?? "";
  };

  it.each([
    ["PORT", "eighty"],
    ["WORKER_CONCURRENCY", "0"],
    ["DESTINATION_ALLOW", "10.0.0.0/99"],
    ["AUTH", "keys"],
    ["LOG_LEVEL", "loud"],
    ["SQS_ENDPOINT", "localhost"],
  ])("a wrong %s", async (name, value) => {
    expect(await refusal({ [name]: value })).toContain(name);
  });

  it("every wrong setting at once", async () => {
    const line = await refusal({ PORT: "-1", RETENTION_DAYS: "x" });
    expect(line).toMatch(/PORT.*RETENTION_DAYS/);
  });

  it("a port in use, and leaves nothing behind", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    expect(await refusal({ PORT: String(port) })).toMatch(new RegExp(`${port}.*in use`));
    expect(emulatorPids(dataDir).filter(isRunning)).toEqual([]);
    other.close();
  });

  it("a missing program", async () => {
    expect(await refusal({ DYNOXIDE_BIN: "/nowhere/dynoxide" })).toContain("DYNOXIDE_BIN");
  });

  it("a data folder that is a file", async () => {
    const file = join(dataDir, "file");
    await writeFile(file, "");
    expect(await refusal({}, file)).toContain(file);
  });

  it("a broken table", async () => {
    await writeFile(join(dataDir, "table.db"), "no database, but long enough to be looked at");
    expect(await refusal({})).toContain("table.db");
  });

  it("a data folder that another one works on, which goes on", async () => {
    const first = await startRuntimeProcess(dataDir);
    expect(await refusal({})).toContain(String(first.pid));
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
    await first.stop();
  });
});

describe("a start", () => {
  it("prints an address, and a curl line that works as pasted", async () => {
    const runtime = await startRuntimeProcess(dataDir);
    const line = /Try it: (curl .*)$/m.exec(runtime.output())?.[1] ?? "";
    const shell = spawnRuntime(dataDir, {}, ["sh", "-c", line]);
    expect(await shell.exit).toBe(0);
    const id = /job_\w+/.exec(shell.output())?.[0] ?? "";
    expect(await apiAt(runtime.url).until(id, "success")).toMatchObject({ attempts: 1 });
    await runtime.stop();
  });

  it("reads settings from a file .env, where the environment says nothing", async () => {
    await mkdir(join(dataDir, "here"));
    await writeFile(join(dataDir, "here", ".env"), "LOG_LEVEL=loud\n");
    const program = fileURLToPath(new URL("../../bin/local.ts", import.meta.url));
    const command = `cd '${dataDir}/here' && '${process.execPath}' '${program}'`;
    const { exit, output } = spawnRuntime(dataDir, {}, ["sh", "-c", command]);
    expect(await exit).toBe(1);
    expect(output()).toContain("LOG_LEVEL");
  });

  it("ends what a killed one has left", async () => {
    const first = await startRuntimeProcess(dataDir);
    first.kill("SIGKILL");
    await first.exit;
    const left = emulatorPids(dataDir);
    const second = await startRuntimeProcess(dataDir);
    expect(left.filter(isRunning)).toEqual([]);
    await second.stop();
  });
});

/** A job whose attempt is under way, and what lets it end. */
const slowJob = async (url: string) => {
  const release = Promise.withResolvers<void>();
  receiver.answer(async (_, response) => {
    await release.promise;
    response.writeHead(200).end();
  });
  const id = await apiAt(url).accepted(jobTo(receiver.url));
  await eventually("the attempt is under way", () => receiver.of(id)[0]);
  return { id, release: release.resolve };
};

describe("a stop finishes the attempts under way, and ends with status 0", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("on %s, repeated or not", async (signal) => {
    const runtime = await startRuntimeProcess(dataDir);
    const { id, release } = await slowJob(runtime.url);
    runtime.kill(signal);
    await eventually("it says so", () => /stops/.exec(runtime.output()) ?? undefined);
    runtime.kill(signal); // as npm and the terminal do
    await sleep(100);
    expect(isRunning(runtime.pid)).toBe(true);
    const emulators = emulatorPids(dataDir);
    release();
    expect(await runtime.exit).toBe(0);
    expect(emulators.filter(isRunning)).toEqual([]);

    const again = await startRuntimeProcess(dataDir);
    expect(await apiAt(again.url).job(id)).toMatchObject({ status: "success", attempts: 1 });
    expect(receiver.of(id)).toHaveLength(1);
    await again.stop();
  });

  it("takes no new requests meanwhile", async () => {
    const runtime = await startRuntimeProcess(dataDir);
    const { release } = await slowJob(runtime.url);
    runtime.kill("SIGTERM");
    await eventually(
      "new connections are refused",
      async () =>
        (await fetch(`${runtime.url}/healthz`).catch(() => "refused")) === "refused" || undefined,
    );
    release();
    expect(await runtime.exit).toBe(0);
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "when only the npm that started it was told %s",
    async (signal) => {
      const npm = spawnRuntime(dataDir, {}, ["npm", "start"]);
      const url = await eventually(
        "it listens",
        () => /listens on (http:\S+)/.exec(npm.output())?.[1],
      );
      const { release } = await slowJob(url);
      const emulators = emulatorPids(dataDir);
      npm.process.kill(signal);
      await eventually("it says so", () => /stops/.exec(npm.output()) ?? undefined);
      expect(emulators.filter(isRunning)).not.toEqual([]);
      release();
      expect(await npm.exit).toBe(0);
      expect(emulators.filter(isRunning)).toEqual([]);
    },
  );
});

describe("listens on loopback only", () => {
  it("the runtime and its emulators", async () => {
    const runtime = await startRuntimeProcess(dataDir);
    const sockets = await Promise.all(
      [runtime.pid, ...emulatorPids(dataDir)].map(listeningSockets),
    );
    expect(sockets.flat()).toHaveLength(4);
    for (const socket of sockets.flat()) expect(socket).toMatch(/^127\.0\.0\.1:/);
    await runtime.stop();
  });
});
