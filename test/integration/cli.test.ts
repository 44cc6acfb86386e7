import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { runCli } from "../support/cli.ts";
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
const doneId = async (args: readonly string[], stdin: string | Uint8Array = "") =>
  String((await done(args, stdin))[0]?.["id"]);

const later = ["--execute-at", "2026-12-31T12:00:00Z"];
const inTenMinutes = () => new Date(Date.now() + 600_000).toISOString();

describe("pulsegate jobs create", () => {
  it("makes a job of its options, and says where it stands", async () => {
    const args = ["create", "--tenant", "t1", "--to", receiver.url];
    const { status, stdout, stderr } = await jobs(args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [, id = "", at] = /^(job_\w+) (\w+)\n$/.exec(stdout) ?? [];
    expect(at).toBe("queued");
    expect(await api.until(id, "success")).toMatchObject({ type: "webhook.dispatch" });
    expect(receiver.of(id)[0]?.body.toString()).toBe("");
  });

  it("takes every option to its place", async () => {
    const executeAt = inTenMinutes();
    const dedupeKey = randomUUID();
    const args = ["create", "--tenant", "t1", "--to", receiver.url, "--type", "other.kind"];
    args.push("--method", "PUT", "--header", "x-one: 1: 2", "--header", "x-two:2");
    args.push("--timeout-ms", "5000", "--execute-at", executeAt, "--dedupe-key", dedupeKey);
    args.push("--priority", "low", "--max-attempts", "3", "--base-delay-ms", "200");
    args.push("--max-delay-ms", "400", "--metadata", "a=b=c", "--metadata", "__proto__=x");
    const [created] = await done([...args, "--payload", "[1]"]);
    expect(created).toMatchObject({ status: "scheduled", deduplicated: false, replayed: false });
    const job = await api.get(`/v1/jobs/${String(created?.["id"])}?include=payload`);
    expect(job).toMatchObject({
      tenant_id: "t1",
      type: "other.kind",
      priority: "low",
      execute_at: executeAt,
      dedupe_key: dedupeKey,
      max_attempts: 3,
      destination: {
        url: receiver.url,
        method: "PUT",
        headers: { "x-one": "1: 2", "x-two": "2" },
      },
      payload: [1],
    });
    expect(Object.entries((job as { metadata: object }).metadata)).toEqual([
      ["a", "b=c"],
      ["__proto__", "x"],
    ]);

    const again = await jobs([...args, "--payload", "[1]"]);
    expect(again.stdout).toBe(
      `${String(created?.["id"])} scheduled (an earlier job with this dedupe key)\n`,
    );
  });

  it("takes a schedule of retries", async () => {
    const args = ["create", "--tenant", "t1", "--to", receiver.url, ...later];
    const id = await doneId([...args, "--schedule-ms", "100,200,300"]);
    expect(await api.job(id)).toMatchObject({ max_attempts: 4 });
  });

  const payload = '{ "n" : 12345678901234567890.10, "é": "\\u00e9" }';

  it("delivers a payload byte for byte, from an option, a file or stdin", async () => {
    const file = join(runtime.dataDir, "payload.json");
    await writeFile(file, payload);
    const args = ["create", "--tenant", "t1", "--to", receiver.url];
    const ids = [
      await doneId([...args, "--payload", payload]),
      await doneId([...args, "--payload-file", file]),
      await doneId([...args, "--payload-file", "-"], payload),
    ];
    for (const id of ids) {
      await api.until(id, "success");
      expect(receiver.of(id)[0]?.body.toString()).toBe(payload);
    }
  });

  it("sends a whole job from a file or stdin as it stands", async () => {
    const job = `\n${JSON.stringify(jobTo(receiver.url)).replace('"payload":{}', `"payload":${payload}`)}\n`;
    const file = join(runtime.dataDir, "job.json");
    await writeFile(file, job);
    for (const id of [
      await doneId(["create", "--file", file]),
      await doneId(["create", "--file", "-"], job),
    ]) {
      await api.until(id, "success");
      expect(receiver.of(id)[0]?.body.toString()).toBe(payload);
    }
    const latin1 = await jobs(
      ["create", "--file", "-"],
      Buffer.from('{"tenant_id":"é"}', "latin1"),
    );
    expect(latin1.status).toBe(1);
    expect(latin1.stderr).toContain("the body: is not JSON");
  });

  it("can be repeated with an idempotency key", async () => {
    const args = ["create", "--tenant", "t1", "--to", receiver.url, ...later];
    args.push("--idempotency-key", randomUUID());
    const id = await doneId(args);
    expect((await jobs(args)).stdout).toBe(
      `${id} scheduled (accepted before with this idempotency key)\n`,
    );
  });
});

describe("pulsegate jobs attempts, cancel and retry", () => {
  it("show every attempt, and begin a job anew that failed", async () => {
    receiver.answerStatuses(503, 410, 200);
    const id = await api.accepted(jobTo(receiver.url, { retry: { schedule_ms: [100] } }));
    await api.until(id, "failed");
    const { stdout } = await jobs(["attempts", id]);
    const [heading = "", ...rows] = stdout.trimEnd().split("\n");
    expect(heading).toMatch(/^N +STATUS +HTTP +STARTED +MS +ERROR +ANSWER$/);
    expect(rows.map((row) => row.split(/ {2,}/).slice(0, 3))).toEqual([
      ["1", "failed", "503"],
      ["2", "failed", "410"],
    ]);
    expect(rows[1]).toContain("answer 410");

    expect((await done(["retry", id]))[0]).toEqual({ id, status: "queued", replayed: false });
    await api.until(id, "success");
    expect((await done(["attempts", id])).map(({ n, status }) => [n, status])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "success"],
    ]);
  });

  it("retry once for an idempotency key", async () => {
    receiver.answerStatuses(410);
    const id = await api.accepted(jobTo(receiver.url));
    await api.until(id, "failed");
    const args = ["retry", id, "--idempotency-key", randomUUID()];
    expect((await jobs(args)).stdout).toBe(`${id} queued\n`);
    expect((await jobs(args)).stdout).toBe(
      `${id} queued (retried before with this idempotency key)\n`,
    );
  });

  it("cancel a job that waits", async () => {
    const id = await api.accepted(jobTo(receiver.url, { execute_at: inTenMinutes() }));
    expect(await jobs(["cancel", id])).toEqual({
      status: 0,
      stdout: `${id} cancelled\n`,
      stderr: "",
    });
    expect((await done(["cancel", id]))[0]).toEqual({ id, status: "cancelled" });
    const refused = await jobs(["retry", id]);
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain("(invalid_state, 409)");
  });
});

describe("a refusal", () => {
  const args = ["create", "--tenant", "t 1", "--to", "ftp://a.test", "--max-attempts", "99"];

  it("shows every mistake with its place on stderr, and ends with 1", async () => {
    const { status, stdout, stderr } = await jobs(args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    const [first, ...rest] = stderr.trimEnd().split("\n");
    expect(first).toBe("pulsegate: The job is not valid. (invalid_input, 400)");
    expect(rest.map((line) => line.split(":")[0]?.trim()).toSorted()).toEqual([
      "/destination/url",
      "/retry/max_attempts",
      "/tenant_id",
      "request id",
    ]);
  });

  it("is one JSON document for scripts", async () => {
    const { status, stdout, stderr } = await jobs([...args, "--json"]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({
      code: "invalid_input",
      status: 400,
      request_id: expect.stringMatching(/./) as string,
      errors: expect.arrayContaining([
        expect.objectContaining({ pointer: "/tenant_id" }),
      ]) as unknown[],
      idempotency_key: null,
    });
  });

  it("of a job that is not there says so, for each command", async () => {
    for (const command of ["get", "attempts", "cancel", "retry"]) {
      const { status, stderr } = await jobs([command, "job_none"]);
      expect({ command, status }).toEqual({ command, status: 1 });
      expect(stderr).toContain("There is no such job. (not_found, 404)");
    }
  });

  it("of a filter names the parameter", async () => {
    const { status, stderr } = await jobs(["list", "--tenant", "t1", "--status", "done"]);
    expect(status).toBe(1);
    expect(stderr).toContain("parameter status: must be one of");
  });
});
