import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { problemCodes } from "../../lambdas/core/errors.ts";
import { PulseGate } from "../../lib/client/index.ts";
import { apiAt } from "../support/api.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import { spawnRuntime, startOwnRuntime } from "../support/runtime-process.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string => readFileSync(`${root}${file}`, "utf8");

describe("the README", () => {
  const readme = read("README.md");
  const shellBlocks = [...readme.matchAll(/```sh\n([^`]*)```/g)].map(([, block = ""]) =>
    block.trim(),
  );
  const runtime = forAllTests(startOwnRuntime);
  const receiver = forAllTests(startReceiver);

  it("names the two commands", () => {
    expect(shellBlocks).toContain("npm ci && npm start");
    expect(shellBlocks).toContain("npm ci && npm test");
  });

  it("has a curl that delivers to a real HTTP server, and then reads success", async () => {
    const curl = shellBlocks.find((block) => block.startsWith("curl")) ?? "";
    expect(curl).toContain("http://127.0.0.1:8080/v1/jobs");
    expect(curl).toContain("http://127.0.0.1:9000/hook");
    // Only the ports differ: those of the README may be taken on this machine.
    const here = curl
      .replace("http://127.0.0.1:8080", runtime.url)
      .replace("http://127.0.0.1:9000/hook", receiver.url);
    const shell = spawnRuntime(runtime.dataDir, {}, ["sh", "-c", here]);
    expect(await shell.exit).toBe(0);
    const id = /job_\w+/.exec(shell.output())?.[0] ?? "";
    const job = await apiAt(runtime.url).until(id, "success");
    expect(receiver.of(id)[0]?.body.toString()).toBe(`{ "order_id": 42, "status": "paid" }`);

    const [attempt] = await apiAt(runtime.url).attempts(id);
    expect(attempt).toMatchObject({ n: 1, status: "success", http_status: 200 });
    const shown = /```json\n(\{\n[^`]*)```/.exec(readme)?.[1] ?? "";
    expect(Object.keys(JSON.parse(shown) as object)).toEqual(Object.keys(job));
  });

  it("links to files that are there", () => {
    for (const [, target = ""] of readme.matchAll(/\]\((?!http)([^)#]+)/g)) read(target);
  });
});

describe("docs/client.md", () => {
  it("has every method of the client in its table, and none besides", () => {
    const { constructor: _, ...methods } = Object.getOwnPropertyDescriptors(PulseGate.prototype);
    const shown = [...read("docs/client.md").matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name);
    expect(shown.toSorted()).toEqual(Object.keys(methods).toSorted());
  });
});

describe("docs/errors.md", () => {
  it("has a heading for each code, and none besides", () => {
    const headings = [...read("docs/errors.md").matchAll(/^## (\w+)$/gm)].map(([, code]) => code);
    expect(headings).toEqual(Object.keys(problemCodes));
  });
});

describe("generated files", () => {
  it("are as the code prints them", () => {
    const { status, stderr } = spawnSync(process.execPath, ["bin/generate.ts", "--check"], {
      cwd: root,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
