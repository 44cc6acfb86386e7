import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { apiAt, jobTo } from "../support/api.ts";
import type { JobView, Page } from "../support/api.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";

const dataDirs: string[] = [];
const newDataDir = async () => {
  const dataDir = await makeDataDir();
  dataDirs.push(dataDir);
  return dataDir;
};
const running: RuntimeProcess[] = [];
const start = async (dataDir: string, environment: Record<string, string> = {}) => {
  const runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error", ...environment });
  running.push(runtime);
  return runtime;
};

let dataDir: string;
beforeEach(async () => {
  dataDir = await newDataDir();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((runtime) => runtime.stop()));
  await Promise.all(dataDirs.splice(0).map(removeDataDir));
});

const inTenMinutes = () => new Date(Date.now() + 600_000).toISOString();
const waiting = (more: object = {}) =>
  jobTo("http://127.0.0.1:9/", { execute_at: inTenMinutes(), ...more });

describe("after a kill -9", () => {
  it("replay, dedupe, cursors and lists give the same answers as before", async () => {
    const first = await start(dataDir);
    const api = apiAt(first.url);
    const key = randomUUID();
    const keyed = waiting({ payload: { n: 1 } });
    const deduped = waiting({ dedupe_key: randomUUID() });
    const keyedId = await api.accepted(keyed, { "idempotency-key": key });
    const dedupedId = await api.accepted(deduped);
    await api.postBatch({ jobs: Array.from({ length: 10 }, () => waiting()) });
    const pageOne = await api.get<Page<JobView>>("/v1/jobs?tenant_id=t1&limit=5");
    const next = `/v1/jobs?tenant_id=t1&limit=100&cursor=${pageOne.next_cursor}`;
    const pageTwo = await api.get<Page<JobView>>(next);
    await first.killAll();

    const again = apiAt((await start(dataDir)).url);
    const replay = await again.post(keyed, { "idempotency-key": key });
    expect(replay.headers.get("idempotency-replayed")).toBe("true");
    expect(await replay.json()).toMatchObject({ id: keyedId });
    const duplicate = await again.post(deduped);
    expect(duplicate.status).toBe(200);
    expect(await duplicate.json()).toMatchObject({ id: dedupedId, deduplicated: true });
    const shown = await again.get<Page<JobView>>("/v1/jobs?tenant_id=t1&limit=5");
    expect(shown.items).toEqual(pageOne.items);
    expect(await again.get<Page<JobView>>(next)).toEqual(pageTwo);
  });
});

describe("two processes over one table", () => {
  it("make one job of one key and one job of one dedupe key", async () => {
    const servers = await startEmulators({
      dataDir: await newDataDir(),
      dynamodb: true,
      sqs: true,
      scheduler: true,
    });
    const environment = {
      DYNAMODB_ENDPOINT: servers.dynamodbEndpoint ?? "",
      SQS_ENDPOINT: servers.sqsEndpoint ?? "",
      SCHEDULER_ENDPOINT: servers.schedulerEndpoint ?? "",
    };
    const a = apiAt((await start(dataDir, environment)).url);
    const b = apiAt((await start(await newDataDir(), environment)).url);

    const key = randomUUID();
    const dedupe_key = randomUUID();
    const keyed = waiting({ payload: "keyed" });
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const api = n % 2 === 0 ? a : b;
        const response =
          n % 4 < 2
            ? await api.post(keyed, { "idempotency-key": key })
            : await api.post(waiting({ dedupe_key }));
        return {
          kind: n % 4 < 2 ? "keyed" : "deduped",
          ...((await response.json()) as { id: string }),
        };
      }),
    );
    for (const kind of ["keyed", "deduped"]) {
      expect(new Set(answers.filter((one) => one.kind === kind).map(({ id }) => id)).size).toBe(1);
    }

    const { Items: items = [] } = await localDynamoDb(environment.DYNAMODB_ENDPOINT).send(
      new ScanCommand({ TableName: TABLE_NAME, ConsistentRead: true }),
    );
    const jobs = items.filter(({ sk, st }) => sk?.S === "JOB" && st !== undefined);
    expect(jobs.map(({ pk }) => pk?.S?.slice(4)).toSorted()).toEqual(
      [...new Set(answers.map(({ id }) => id))].toSorted(),
    );
    expect(items.filter(({ sk }) => sk?.S === "DEDUPE")).toHaveLength(1);
    await Promise.all(running.splice(0).map((runtime) => runtime.stop()));
    await servers.stop();
  });
});

describe("QUEUE_CAPACITY", () => {
  it("refuses what is beyond it, before anything is written; a replay needs no room", async () => {
    const runtime = await start(dataDir, { QUEUE_CAPACITY: "3", LOG_LEVEL: "info" });
    const api = apiAt(runtime.url);
    const key = randomUUID();
    const keyed = waiting();
    const first = await api.accepted(keyed, { "idempotency-key": key });
    const items = await api.postBatch({ jobs: [waiting(), waiting()] });
    expect(items.map(({ status }) => status)).toEqual([201, 201]);

    const refused = await api.post(waiting({ tenant_id: "t2" }), { "x-request-id": "refused" });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await refused.json()).toMatchObject({ code: "unavailable" });
    expect(await api.get<Page<JobView>>("/v1/jobs?tenant_id=t2")).toMatchObject({ items: [] });
    expect(await api.postBatch({ jobs: [waiting({ tenant_id: "t2" })] })).toMatchObject([
      { status: 503, error: { code: "unavailable" } },
    ]);
    const replay = await api.post(keyed, { "idempotency-key": key });
    expect(replay.status).toBe(201);
    expect(await replay.json()).toMatchObject({ id: first });

    // What the setting asks for is no fault: a line of log, and nothing to wake anybody for.
    const log = linesOf(runtime.output());
    const requests = log.filter(({ request_id }) => request_id === "refused");
    expect(requests).toMatchObject([
      { level: "INFO", message: "request", status: 503, code: "unavailable" },
    ]);
    expect(log.filter(({ level, error }) => level === "ERROR" || error !== undefined)).toEqual([]);
  });
});

/** The lines of log among what a runtime printed. */
const linesOf = (output: string): readonly Record<string, unknown>[] =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
