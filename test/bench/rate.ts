import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { worstExcess } from "../support/rate-window.ts";
import type { Limit } from "../support/rate-window.ts";
import { startCluster } from "./cluster.ts";
import { callsOf } from "./counting-proxy.ts";
import type { Cluster } from "./cluster.ts";

/**
 * How well a rate is kept by twenty workers in four processes over one table, measured at the
 * receiver: the contract's window rule, how much of the rate was used, and what AWS would bill.
 */

interface Case {
  readonly title: string;
  readonly jobs: number;
  readonly limit: Limit | undefined;
  readonly skewsMs?: readonly number[];
  /** All workers stop once, for so long. */
  readonly stopMs?: number;
  readonly counts?: boolean;
}

const { values: options } = parseArgs({
  options: { only: { type: "string" }, help: { type: "boolean" } },
});
const usage = `npm run bench:rate [-- --only part-of-a-title]`;

const usual = { rps: 50, burst: 10 };
const cases: readonly Case[] = [
  { title: "the bill, 500 jobs at 50 rps, burst 10", jobs: 500, limit: usual, counts: true },
  { title: "5,000 jobs at 50 rps, burst 10", jobs: 5_000, limit: usual },
  {
    title: "1,500 jobs at 50 rps, clocks 200 ms apart",
    jobs: 1_500,
    limit: usual,
    skewsMs: [-100, -30, 40, 100],
  },
  {
    title: "1,500 jobs at 50 rps, all workers stopped for 60 s",
    jobs: 1_500,
    limit: usual,
    stopMs: 60_000,
  },
  { title: "3,000 jobs without a limit", jobs: 3_000, limit: undefined },
  { title: "3,000 jobs at 1,000 rps", jobs: 3_000, limit: { rps: 1_000, burst: 1_000 } },
];

const BATCH = 100;

const startLoggingReceiver = async () => {
  const startsMs: number[] = [];
  const attempts = new Set<string>();
  const server = createServer((request, response) => {
    startsMs.push(Date.now());
    attempts.add(
      `${String(request.headers["webhook-id"])} ${String(request.headers["x-pulsegate-attempt"])}`,
    );
    request.resume();
    response.writeHead(200).end();
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, startsMs, attempts, stop: () => server.close().closeAllConnections() };
};

const postAll = async ({ url }: Cluster, to: string, jobs: number, limit: Limit | undefined) => {
  for (let sent = 0; sent < jobs; sent += BATCH) {
    const response = await fetch(`${url}/v1/jobs/batch`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jobs: Array.from({ length: Math.min(BATCH, jobs - sent) }, () => ({
          tenant_id: "bench",
          type: "webhook.dispatch",
          destination: { url: to },
          ...(limit ? { rate_limit: limit } : {}),
        })),
      }),
    });
    const { items } = (await response.json()) as { items: { status: number }[] };
    const refused = items.filter(({ status }) => status !== 201).length;
    if (refused > 0) throw new Error(`${refused} jobs were refused`);
  }
};

const run = async ({ jobs, limit, skewsMs = [0, 0, 0, 0], stopMs, counts = false }: Case) => {
  const receiver = await startLoggingReceiver();
  const cluster = await startCluster({ skewsMs, concurrency: 5, counts });
  try {
    cluster.table?.reset();
    cluster.queues?.reset();
    await postAll(cluster, receiver.url, jobs, limit);
    if (stopMs !== undefined) {
      cluster.signal("SIGSTOP");
      await sleep(stopMs);
      cluster.signal("SIGCONT");
    }
    // What a stopped worker had in hand comes back when its visibility timeout ends.
    let [seen, sinceMs] = [0, performance.now()];
    while (receiver.startsMs.length < jobs && performance.now() - sinceMs < 120_000) {
      await sleep(100);
      if (receiver.startsMs.length > seen)
        [seen, sinceMs] = [receiver.startsMs.length, performance.now()];
    }
    await sleep(1_000);
    return { startsMs: receiver.startsMs, attempts: receiver.attempts.size, cluster };
  } finally {
    receiver.stop();
    await cluster.stop();
  }
};

const report = async (of: Case): Promise<void> => {
  const { startsMs, attempts, cluster } = await run(of);
  const sorted = startsMs.toSorted((a, b) => a - b);
  const stopped = of.stopMs ?? 0;
  const seconds = ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0) - stopped) / 1_000;
  const skews = of.skewsMs ?? [0];
  const slackMs = 50 + Math.max(...skews) - Math.min(...skews);
  console.log(`\n${of.title}`);
  console.log(
    `  ${startsMs.length} starts of ${attempts} attempts in ${seconds.toFixed(1)} s: ${(startsMs.length / seconds).toFixed(1)} a second`,
  );
  if (of.limit) {
    const { rps, burst } = of.limit;
    const excess = worstExcess(startsMs, of.limit, slackMs);
    const kept = (startsMs.length - burst) / seconds / rps;
    console.log(
      `  ${(100 * kept).toFixed(1)} % of the rate; window rule with s = ${slackMs} ms: ${excess ? `broken by ${JSON.stringify(excess)}` : "kept"}`,
    );
  }
  const { table, queues } = cluster;
  if (!table || !queues) return;
  const each = (count: number) => (count / of.jobs).toFixed(2);
  const { bill } = queues;
  const [send, receive, remove, hide] = [
    callsOf(bill, "SendMessage", "SendMessageBatch"),
    callsOf(bill, "ReceiveMessage"),
    callsOf(bill, "DeleteMessage", "DeleteMessageBatch"),
    callsOf(bill, "ChangeMessageVisibility"),
  ];
  console.log(
    `  a job: ${each(table.bill.writeUnits)} write units (${each(table.bill.refusedWrites)} of them refused writes), ${each(table.bill.readUnits)} read units, ${each(send + receive + remove + hide)} SQS requests (send ${each(send)}, receive ${each(receive)}, delete ${each(remove)}, hide ${each(hide)})`,
  );
};

if (options.help) {
  console.log(usage);
} else {
  for (const of of cases.filter(({ title }) => title.includes(options.only ?? "")))
    await report(of);
}
