import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { runCli } from "../support/cli.ts";
import { answer, hangsUp, startMisbehavingApi } from "../support/misbehaving-api.ts";
import type { MisbehavingApi } from "../support/misbehaving-api.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let api: MisbehavingApi | undefined;
afterEach(async () => {
  await api?.stop();
  api = undefined;
});

describe("the help", () => {
  it.each([
    [["--help"], "jobs"],
    [["--help"], "Exit status: 0 done, 1 refused or failed, 2 wrong usage."],
    [["--help"], "--url <url>"],
    [["--help"], "PULSEGATE_URL"],
    [["--help"], "--version"],
    [["jobs", "--help"], "attempts"],
    [["jobs", "-h"], "Exit status: 0 done, 1 refused or failed, 2 wrong usage."],
    [["jobs", "create", "--help"], "--dedupe-key <key>"],
    [["jobs", "create", "--tenant", "t1", "-h"], "--file <path>"],
    [["jobs", "get", "--help"], "--payload"],
    [["jobs", "list", "--help"], "--all"],
    [["jobs", "attempts", "--help"], "<id>"],
    [["jobs", "cancel", "--help"], "<id>"],
    [["jobs", "retry", "--help"], "--idempotency-key <key>"],
    [["--help"], "secrets"],
    [["secrets", "--help"], "delete"],
    [["secrets", "put", "--help"], "--secret-file <path>"],
    [["secrets", "list", "--help"], "--tenant <id>"],
    [["secrets", "delete", "--help"], "<id> --tenant <id>"],
  ])("of %j is on stdout", async (args, part) => {
    const { status, stdout, stderr } = await runCli(args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(
      `Usage: pulsegate ${args.filter((arg) => !arg.startsWith("-"))[0] ?? "jobs"}`,
    );
    expect(stdout).toContain(part);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe("--version", () => {
  it("is the package's", async () => {
    const version = `${manifest.version}\n`;
    expect(await runCli(["--version"])).toEqual({ status: 0, stdout: version, stderr: "" });
  });
});

describe("wrong usage", () => {
  it.each([
    [[], "a command is missing"],
    [["jobs"], "a command is missing"],
    [["job"], "no such command: job"],
    [["jobs", "delete"], "no such command: jobs delete"],
    [["jobs", "toString"], "no such command: jobs toString"],
    [["jobs", "get"], "a job's id is missing"],
    [["jobs", "get", "job_1", "job_2"], "unexpected: job_2"],
    [["jobs", "list", "t1", "--tenant", "t1"], "unexpected: t1"],
    [["jobs", "list"], "needs --tenant"],
    [["jobs", "list", "--tenant", "t1", "--tenant", "t2"], "--tenant stands twice"],
    [["jobs", "list", "--tenant", "t1", "--limit", "many"], "--limit must be a whole number"],
    [["jobs", "list", "--tenant", "t1", "--limit", "0"], "--limit must be at least 1"],
    [["jobs", "list", "--tenant", "t1", "--limit", "9", "--all"], "either --limit or --all"],
    [["jobs", "list", "--tennant", "t1"], "--tennant"],
    [["jobs", "list", "--tenant"], "--tenant"],
    [["jobs", "list", "--tenant", "t1", "--url", "localhost:8080"], "--url must be"],
    [["jobs", "list", "--tenant", "t1", "--api-header", "none"], "--api-header must be"],
    [["jobs", "create"], "needs --tenant and --to, or --file"],
    [["jobs", "create", "--file", "/no/such/file"], "cannot read /no/such/file"],
    [
      ["jobs", "create", "--file", "-", "--type", "a", "--header", "a:b"],
      "leave out --type, --header",
    ],
    [create("--payload", "{"), "the payload is not JSON"],
    [create("--payload", "1}, {"), "the payload is not JSON"],
    [create("--payload", ""), "the payload is not JSON"],
    [create("--payload", "1", "--payload-file", "-"), "either --payload or --payload-file"],
    [create("--header", "a: b", "--header", "a: c"), "--header a stands twice"],
    [create("--metadata", "=x"), "--metadata must be <name>=<value>"],
    [create("--schedule-ms", "100,soon"), "--schedule-ms must be whole numbers"],
    [create("--schedule-ms", "1,,2"), "with commas between, not 1,,2\n"],
    [create("--schedule-ms", ""), 'with commas between, not ""\n'],
    [create("--timeout-ms", "-5"), "--timeout-ms"],
    [create("--timeout-ms", ""), '--timeout-ms must be a whole number, not ""'],
    [["jobs", "get", "job_1", "--url", ""], 'address, not ""'],
    [["jobs", "get", ""], '"" is no job\'s id'],
    [["secrets"], "a command is missing"],
    [["secrets", "create"], "no such command: secrets create"],
    [["secrets", "put"], "needs --tenant"],
    [["secrets", "put", "whsec_x", "--tenant", "t1"], "unexpected: whsec_x"],
    [["secrets", "put", "--tenant", "t1", "--secret", "whsec_x"], "--secret"],
    [["secrets", "put", "--tenant", "t1", "--secret-file", "/no/file"], "cannot read /no/file"],
    [["secrets", "put", "--tenant", "t1", "--secret-file", "-"], "no secret is in -"],
    [["secrets", "list"], "needs --tenant"],
    [["secrets", "delete", "--tenant", "t1"], "a signing secret's id is missing"],
    [["secrets", "delete", "sec_1"], "needs --tenant"],
  ])("%j is said on stderr, and ends with 2 before anything is sent", async (args, part) => {
    api = await startMisbehavingApi(answer(500, {}));
    const { status, stdout, stderr } = await runCli(args, { env: { PULSEGATE_URL: api.url } });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(part);
    expect(stderr).not.toContain("    at ");
    expect(api.requests).toHaveLength(0);
  });

  function create(...more: string[]): string[] {
    return ["jobs", "create", "--tenant", "t1", "--to", "http://a.test/", ...more];
  }
});

describe("the command line", () => {
  it("asks the API that --url names rather than PULSEGATE_URL, with the headers given", async () => {
    api = await startMisbehavingApi(answer(200, { id: "job_1", status: "cancelled" }));
    const args = [
      "jobs",
      "cancel",
      "job_1",
      "--url",
      api.url,
      "--api-header",
      "authorization: Bearer x",
    ];
    const { status } = await runCli(args, { env: { PULSEGATE_URL: "http://127.0.0.1:1" } });
    expect(status).toBe(0);
    expect(api.requests[0]?.headers["authorization"]).toBe("Bearer x");
  });

  it("asks the local runtime's usual address if nothing else is said", async () => {
    const { stdout } = await runCli(["jobs", "list", "--help"], { env: { PULSEGATE_URL: "" } });
    expect(stdout).toContain("else http://127.0.0.1:8080");
  });

  it("says how to go on when it is not known whether a job was accepted", async () => {
    api = await startMisbehavingApi(hangsUp);
    const args = ["jobs", "create", "--tenant", "t1", "--to", "http://a.test/", "--retries", "1"];
    const { status, stderr } = await runCli(args, { env: { PULSEGATE_URL: api.url } });
    expect(status).toBe(1);
    expect(stderr).toContain("(network)");
    expect(api.requests).toHaveLength(2);
    const key = api.requests[0]?.headers["idempotency-key"] ?? "";
    expect(stderr).toContain(`--idempotency-key ${key}`);
  });

  it("ends quietly when whoever reads its output has seen enough", async () => {
    const job = { id: "job_1", attempts: 0, max_attempts: 8, type: "a".repeat(1_000) };
    const items = Array.from({ length: 100 }, () => job);
    api = await startMisbehavingApi(answer(200, { items, next_cursor: "more" }));
    const child = spawn(
      process.execPath,
      ["bin/cli.js", "jobs", "list", "--tenant", "t1", "--all", "--json", "--url", api.url],
      { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
    );
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const closed = once(child, "close");
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect(await closed).toEqual([0, null]);
    expect(stderr).toBe("");
  });

  it("is there as `npx pulsegate` in a clone, with nothing to build or to download", async () => {
    const cache = await mkdtemp(join(tmpdir(), "pulsegate-npx-"));
    try {
      const { status, stdout } = await runCli(["pulsegate", "jobs", "--help"], {
        command: ["npx"],
        cwd: root,
        env: { npm_config_cache: cache, npm_config_registry: "http://127.0.0.1:9/" },
      });
      expect(status).toBe(0);
      expect(stdout).toContain("Usage: pulsegate jobs <command>");
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  });
});
