import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startRuntime } from "../lib/local/runtime.ts";
import { readSettings } from "../lib/local/settings.ts";

/**
 * `npm run demo`: starts everything and a receiver, shows three jobs on their way, then measures 300
 * small ones. Ends with 0 only if each job ended as it should.
 */

const SMALL_JOBS = 300;
const PATIENCE_MS = 60_000;
const retry = { schedule_ms: [500], max_attempts: 3 };

process.env["POWERTOOLS_METRICS_DISABLED"] ??= "true";
const dataDir = await mkdtemp(join(tmpdir(), "pulsegate-demo-"));
const receiver = await startReceiver();
const runtime = await startRuntime(
  readSettings({ PORT: "0", LOG_LEVEL: "error", PULSEGATE_DATA_DIR: dataDir }),
);
let isGood = false;
try {
  console.log(`PulseGate ${runtime.url}, receiver ${receiver.url}\n`);
  const isShown = await showThreeJobs();
  const isMeasured = await measureSmallJobs();
  isGood = isShown && isMeasured;
} finally {
  await runtime.stop();
  receiver.server.close();
  receiver.server.closeAllConnections();
  await rm(dataDir, { recursive: true, force: true });
}
console.log(isGood ? "\nEvery job ended as it should." : "\nSome job did not end as it should.");
process.exit(isGood ? 0 : 1);

async function showThreeJobs(): Promise<boolean> {
  const jobs = [
    { name: "succeeds", path: "/ok", ends: "success", attempts: 1 },
    { name: "fails twice first", path: "/flaky", ends: "success", attempts: 3 },
    { name: "always fails", path: "/broken", ends: "dlq", attempts: 3 },
  ];
  const ended = await Promise.all(
    jobs.map(async ({ name, path, ends, attempts }) => {
      const id = await post({ url: `${receiver.url}${path}`, retry });
      const job = await follow(id, (status, made) =>
        console.log(`${name.padEnd(18)} ${id}  ${status} (${made} of 3 attempts)`),
      );
      return job.status === ends && job.attempts === attempts;
    }),
  );
  return ended.every(Boolean);
}

async function measureSmallJobs(): Promise<boolean> {
  const startedAtMs = performance.now();
  const latenciesMs: number[] = [];
  const ids: string[] = [];
  let left = SMALL_JOBS;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const sentAtMs = performance.now();
      ids.push(await post({ url: `${receiver.url}/ok`, retry }));
      latenciesMs.push(performance.now() - sentAtMs);
    }
  };
  await Promise.all(Array.from({ length: 2 }, client));
  const ends = await Promise.all(ids.map((id) => follow(id)));
  const minutes = (performance.now() - startedAtMs) / 60_000;
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const percentile = (p: number) => (sorted[Math.ceil(p * sorted.length) - 1] ?? NaN).toFixed(1);
  console.log(
    `\n${ids.length} small jobs: accepted in ${percentile(0.5)} ms (p50), ${percentile(0.95)} ms (p95); ` +
      `delivered ${Math.round(ids.length / minutes)} a minute`,
  );
  return ends.every(({ status, attempts }) => status === "success" && attempts === 1);
}

async function post({ url, retry: policy }: { url: string; retry: object }): Promise<string> {
  const response = await fetch(`${runtime.url}/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      tenant_id: "demo",
      type: "webhook.dispatch",
      payload: { order_id: 42 },
      destination: { url },
      retry: policy,
    }),
  });
  if (response.status !== 201) throw new Error(`not accepted: ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

interface JobView {
  readonly status: string;
  readonly attempts: number;
}

/** Waits until a job is over, and tells each change on the way. */
async function follow(
  id: string,
  tell: (status: string, attempts: number) => void = () => undefined,
): Promise<JobView> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (let seen = ""; ; await sleep(20)) {
    const job = (await (await fetch(`${runtime.url}/v1/jobs/${id}`)).json()) as JobView;
    if (seen !== `${job.status} ${job.attempts}`) tell(job.status, job.attempts);
    seen = `${job.status} ${job.attempts}`;
    const isOver = ["success", "failed", "dlq"].includes(job.status);
    if (isOver || performance.now() > deadlineMs) return job;
  }
}

/** Answers by path: /ok well, /flaky well from the third time on, /broken never. */
async function startReceiver(): Promise<{ readonly url: string; readonly server: Server }> {
  let flaky = 0;
  const server = createServer((request, response) => {
    if (request.url === "/flaky") flaky += 1;
    const isWell = request.url === "/ok" || (request.url === "/flaky" && flaky > 2);
    request.resume().once("end", () => response.writeHead(isWell ? 200 : 500).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
