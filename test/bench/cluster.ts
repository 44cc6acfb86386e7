import { fileURLToPath } from "node:url";
import { startEmulators } from "../../lib/local/emulators.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";
import { startCountingProxy } from "./counting-proxy.ts";
import type { CountingProxy } from "./counting-proxy.ts";

const skewedClock = fileURLToPath(new URL("skewed-clock.ts", import.meta.url));

export interface ClusterOptions {
  /** Of each process, by how much its clock is off. */
  readonly skewsMs: readonly number[];
  /** How many requests each process has open at once. */
  readonly concurrency: number;
  /** Counts what AWS would bill, which takes its time. */
  readonly counts: boolean;
}

/** Several runtimes over one table and one set of queues, as several Lambdas are. */
export interface Cluster {
  /** The API of the first. */
  readonly url: string;
  readonly table: CountingProxy | undefined;
  readonly queues: CountingProxy | undefined;
  /** To all runtimes; the servers behind them go on. */
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export const startCluster = async ({
  skewsMs,
  concurrency,
  counts,
}: ClusterOptions): Promise<Cluster> => {
  const ends: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  const start = async (environment: Record<string, string>, skewMs: number) => {
    const dataDir = await makeDataDir();
    ends.push(() => removeDataDir(dataDir));
    const runtime = await startRuntimeProcess(dataDir, {
      LOG_LEVEL: "error",
      WORKER_CONCURRENCY: String(concurrency),
      UV_THREADPOOL_SIZE: "64",
      CLOCK_SKEW_MS: String(skewMs),
      ...(skewMs === 0 ? {} : { NODE_OPTIONS: `--import ${skewedClock}` }),
      ...environment,
    });
    ends.push(() => runtime.stop());
    return runtime;
  };
  try {
    const dataDir = await makeDataDir();
    ends.push(() => removeDataDir(dataDir));
    const servers = await startEmulators({ dataDir, dynamodb: true, sqs: true, scheduler: true });
    ends.push(() => servers.stop());
    const { dynamodbEndpoint = "", sqsEndpoint = "", schedulerEndpoint = "" } = servers;
    const [table, queues] = counts
      ? await Promise.all([dynamodbEndpoint, sqsEndpoint].map(startCountingProxy))
      : [];
    const workers: RuntimeProcess[] = [];
    for (const skewMs of skewsMs) {
      const endpoints = {
        DYNAMODB_ENDPOINT: table?.url ?? dynamodbEndpoint,
        SQS_ENDPOINT: queues?.url ?? sqsEndpoint,
        SCHEDULER_ENDPOINT: schedulerEndpoint,
      };
      workers.push(await start(endpoints, skewMs));
    }
    return {
      url: workers[0]?.url ?? "",
      table,
      queues,
      signal: (signal) => workers.forEach((worker) => worker.kill(signal)),
      async stop() {
        await stop();
        await Promise.all([table?.stop(), queues?.stop()]);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
