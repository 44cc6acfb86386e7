import { utimesSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { makeDataDir, removeDataDir, spawnRuntime } from "../support/runtime-process.ts";

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
let dataDir: string;

beforeEach(async () => {
  dataDir = await makeDataDir();
});
afterEach(() => removeDataDir(dataDir));

it("npm run dev starts again at a change, with the data kept", async () => {
  const dev = spawnRuntime(dataDir, {}, [process.execPath, file("bin/dev.ts")]);
  const addresses = () =>
    [...dev.output().matchAll(/listens on (http:\S+)/g)].map(([, url]) => url);
  const first = await eventually("it listens", () => addresses()[0]);
  const id = await apiAt(first).accepted(jobTo(`${first}/healthz`, {}, { method: "PUT" }));

  const changedAtMs = performance.now();
  const now = new Date();
  utimesSync(file("lib/local/ttl-sweep.ts"), now, now);
  const second = await eventually("it listens again", () => addresses()[1]);
  console.log(`restarted in ${Math.round(performance.now() - changedAtMs)} ms`);
  expect(await apiAt(second).job(id)).toMatchObject({ id });
  dev.process.kill("SIGTERM");
  expect(await dev.exit).toBe(0);
});

it("npm run demo ends with 0, and every job as it should", async () => {
  const demo = spawnRuntime(dataDir, {}, [process.execPath, file("bin/demo.ts")]);
  expect(await demo.exit).toBe(0);
  expect(demo.output()).toMatch(/always fails .* dlq \(3 of 3 attempts\)/);
  expect(demo.output()).toMatch(/300 small jobs: accepted in [\d.]+ ms \(p50\), [\d.]+ ms \(p95\)/);
  console.log(/300 small jobs.*/.exec(demo.output())?.[0]);
}, 60_000);
