import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { runCli } from "../support/cli.ts";
import { eventually } from "../support/eventually.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import { startOwnRuntime } from "../support/runtime-process.ts";

const runtime = forAllTests(startOwnRuntime);
const receiver = forAllTests(startReceiver);
let api: ReturnType<typeof apiAt>;

beforeAll(() => {
  api = apiAt(runtime.url);
});

const jobs = (args: readonly string[], stdin: string | Uint8Array = "") =>
  runCli(["jobs", ...args], { env: { PULSEGATE_URL: runtime.url }, stdin });

/** What a script gets: the one document on stdout, or one a line. */
const done = async (args: readonly string[], stdin: string | Uint8Array = "") => {
  const { status, stdout, stderr } = await jobs([...args, "--json"], stdin);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

const newTenant = () => `t-${randomUUID()}`;
const inTenMinutes = () => new Date(Date.now() + 600_000).toISOString();

describe("pulsegate jobs get", () => {
  it("shows a job, a field a line, and nothing that moves the cursor", async () => {
    const id = await api.accepted(
      jobTo(receiver.url, { execute_at: inTenMinutes(), dedupe_key: "a\u001b[2Jb\u202e" }),
    );
    const { status, stdout } = await jobs(["get", id]);
    expect(status).toBe(0);
    const fields = new Map(
      stdout.split("\n").map((line) => line.split(/ {2,}/) as [string, string]),
    );
    expect(fields.get("id")).toBe(id);
    expect(fields.get("attempts")).toBe("0 of 8");
    expect(fields.get("destination")).toBe(`POST ${receiver.url}`);
    expect(fields.get("last_error")).toBe("-");
    expect(fields.get("dedupe_key")).toBe("a\\u{1b}[2Jb\\u{202e}");
    const columns = stdout
      .trimEnd()
      .split("\n")
      .map((line) => /^\S+ +/.exec(line)?.[0].length);
    expect(new Set(columns).size).toBe(1);
  });

  it("shows it to scripts as the API does, with its payload as it was written", async () => {
    const payload = '{"n":12345678901234567890}';
    const id = await api.accepted(
      `{"payload":${payload},${JSON.stringify(jobTo(receiver.url, { execute_at: inTenMinutes(), payload: undefined })).slice(1)}`,
    );
    expect((await done(["get", id]))[0]).toEqual(await api.job(id));
    const { stdout } = await jobs(["get", id, "--payload"]);
    expect(stdout).toContain(`"payload":${payload}`);
    expect(JSON.parse(stdout)).toMatchObject({ destination: { headers: {} } });
  });
});

describe("pulsegate jobs list", () => {
  it("lists a tenant's jobs in columns, as many as were asked for", async () => {
    const tenant = newTenant();
    const batch = Array.from({ length: 60 }, () =>
      jobTo(receiver.url, { tenant_id: tenant, execute_at: inTenMinutes() }),
    );
    await api.postBatch({ jobs: batch });
    await api.postBatch({ jobs: batch });
    const all = () => done(["list", "--tenant", tenant, "--all"]);
    const listed = await eventually("all are listed", async () => {
      const lines = await all();
      return lines.length === 120 ? lines : undefined;
    });
    expect(listed[0]).toEqual(await api.job(String(listed[0]?.["id"])));

    const { stdout, stderr } = await jobs(["list", "--tenant", tenant]);
    const [heading = "", ...rows] = stdout.trimEnd().split("\n");
    expect(heading).toMatch(/^ID +STATUS +ATTEMPTS +CREATED +TYPE +LAST ERROR$/);
    expect(rows).toHaveLength(50);
    expect(new Set(rows.map((row) => row.indexOf("scheduled")))).toEqual(
      new Set([heading.indexOf("STATUS")]),
    );
    expect(stderr).toContain("the first 50");

    expect(await done(["list", "--tenant", tenant, "--limit", "101"])).toEqual(
      listed.slice(0, 101),
    );
    const human = await jobs(["list", "--tenant", tenant, "--limit", "120"]);
    expect(human.stdout.trimEnd().split("\n")).toHaveLength(121);
    expect(human.stderr).toBe("");
  });

  it("filters, and says when there is none", async () => {
    const tenant = newTenant();
    const more = { tenant_id: tenant, execute_at: inTenMinutes() };
    const id = await api.accepted(jobTo(receiver.url, { ...more, type: "a.b" }));
    await api.accepted(jobTo(receiver.url, more));
    const filter = ["list", "--tenant", tenant, "--status", "scheduled", "--type", "a.b"];
    await eventually("it is listed", async () => {
      const found = await done(filter);
      return found.length === 1 && found[0]?.["id"] === id ? true : undefined;
    });
    expect(await jobs(["list", "--tenant", tenant, "--status", "dlq"])).toEqual({
      status: 0,
      stdout: "",
      stderr: "none\n",
    });
    expect(await done(["list", "--tenant", tenant, "--status", "dlq"])).toEqual([]);
  });
});
