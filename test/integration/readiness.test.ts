import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulators } from "../../lib/local/emulators.ts";
import { apiAt, jobTo } from "../support/api.ts";
import type { ProblemView } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import {
  emulatorPids,
  makeDataDir,
  removeDataDir,
  spawnRuntime,
  startRuntimeProcess,
} from "../support/runtime-process.ts";

let dataDir: string;
let otherDir: string;

beforeEach(async () => {
  [dataDir, otherDir] = await Promise.all([makeDataDir(), makeDataDir()]);
});
afterEach(async () => {
  await Promise.all([removeDataDir(dataDir), removeDataDir(otherDir)]);
});

describe("readyz", () => {
  it("names within 10 s what does not answer, while healthz goes on", async () => {
    const others = await startEmulators({
      dataDir: otherDir,
      dynamodb: false,
      sqs: true,
      scheduler: false,
    });
    const runtime = await startRuntimeProcess(dataDir, {
      SQS_ENDPOINT: others.sqsEndpoint ?? "",
      LOG_LEVEL: "error",
    });
    expect((await fetch(`${runtime.url}/readyz`)).status).toBe(200);

    await others.stop();
    const problem = await eventually(
      "it is not ready",
      async () => {
        const response = await fetch(`${runtime.url}/readyz`);
        return response.status === 503 ? ((await response.json()) as ProblemView) : undefined;
      },
      10_000,
    );
    expect(problem).toMatchObject({
      code: "unavailable",
      detail: expect.stringContaining("queue"),
    });
    expect(problem.detail).not.toContain("table");
    expect(runtime.output()).toMatch(/"check":"queue high".*ECONNREFUSED/);
    expect((await fetch(`${runtime.url}/healthz`)).status).toBe(200);

    const post = await apiAt(runtime.url).post(jobTo(`${runtime.url}/healthz`));
    expect(post.status).toBe(503);
    expect(post.headers.get("retry-after")).toBe("1");
    expect(await post.json()).toMatchObject({ code: "unavailable" });
    await runtime.stop();
  });
});

describe("readyz of a runtime whose scheduler is gone", () => {
  it("names it, while jobs for a far time are taken by the queue instead", async () => {
    const others = await startEmulators({
      dataDir: otherDir,
      dynamodb: false,
      sqs: false,
      scheduler: true,
      sqsEndpoint: "http://127.0.0.1:9",
    });
    const runtime = await startRuntimeProcess(dataDir, {
      SCHEDULER_ENDPOINT: others.schedulerEndpoint ?? "",
      LOG_LEVEL: "error",
    });
    expect((await fetch(`${runtime.url}/readyz`)).status).toBe(200);

    await others.stop();
    const problem = await eventually(
      "it is not ready",
      async () => {
        const response = await fetch(`${runtime.url}/readyz`);
        return response.status === 503 ? ((await response.json()) as ProblemView) : undefined;
      },
      10_000,
    );
    expect(problem.detail).toBe("No answer from: scheduler.");

    const executeAt = new Date(Date.now() + 86_400_000).toISOString();
    const id = await apiAt(runtime.url).accepted(
      jobTo(`${runtime.url}/healthz`, { execute_at: executeAt }),
    );
    expect(await apiAt(runtime.url).job(id)).toMatchObject({ status: "scheduled" });
    await runtime.stop();
  });
});

describe("servers of one's own", () => {
  it("are used instead of the embedded ones, table and queues made where they are missing", async () => {
    const others = await startEmulators({
      dataDir: otherDir,
      dynamodb: true,
      sqs: true,
      scheduler: false,
    });
    const runtime = await startRuntimeProcess(dataDir, {
      DYNAMODB_ENDPOINT: others.dynamodbEndpoint ?? "",
      SQS_ENDPOINT: others.sqsEndpoint ?? "",
      LOG_LEVEL: "error",
    });
    const id = await apiAt(runtime.url).accepted(
      jobTo(`${runtime.url}/healthz`, { payload: undefined }, { method: "GET" }),
    );
    await apiAt(runtime.url).until(id, "success");
    await runtime.stop();
    await others.stop();
  });
});

describe("a runtime whose emulators end unasked", () => {
  it("says so and ends with status 1", async () => {
    const runtime = await startRuntimeProcess(dataDir);
    const [host = 0] = emulatorPids(dataDir);
    process.kill(host, "SIGKILL");
    expect(await runtime.exit).toBe(1);
    expect(runtime.output()).toMatch(/PulseGate stops \(.*SIGKILL.*\)/);
  });
});

describe("a Node that is too old", () => {
  it("is told the remedy in one line", async () => {
    const oldNode = `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.19.0"}})`;
    const check = fileURLToPath(new URL("../../bin/check-node.js", import.meta.url));
    const { exit, output } = spawnRuntime(dataDir, {}, [
      process.execPath,
      "--import",
      oldNode,
      check,
    ]);
    expect(await exit).toBe(1);
    expect(output()).toMatch(/^PulseGate needs Node 22\.18 or later.*npm rebuild node.*\n$/);
  });
});
