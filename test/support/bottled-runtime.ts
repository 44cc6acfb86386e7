import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { apiAt } from "./api.ts";
import { startNameServer } from "./name-server.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "./runtime-process.ts";

/** A connection that the runtime opened, or would have opened if it were not for the bottle. */
interface Connection {
  readonly address: string;
  readonly port: number;
}

/** `npm start` in a network of its own, with a name server of its own. */
export const startBottledRuntime = async (environment: Record<string, string>) => {
  const dataDir = await makeDataDir();
  const names = await startNameServer();
  const log = join(dataDir, "connections.log");
  const preload = new URL("bottled-network.ts", import.meta.url).href;
  const runtime = await startRuntimeProcess(dataDir, {
    LOG_LEVEL: "error",
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --disable-warning=DEP0111 --import=${preload}`,
    BOTTLED_NETWORK: JSON.stringify({ nameServerPort: names.port, log }),
    ...environment,
  });
  return {
    runtime,
    api: apiAt(runtime.url),
    names,
    /** What it has connected to at this port, at whatever address. */
    connectionsTo: (port: number): readonly string[] =>
      connectionsIn(log)
        .filter((one) => one.port === port)
        .map(({ address }) => address),
    /** What it has connected to beyond this machine. */
    connectionsOutside: (): readonly Connection[] =>
      connectionsIn(log).filter(({ address }) => !/^(127\.|::1$)/.test(address)),
    stop: async () => {
      await runtime.stop();
      await names.stop();
      await removeDataDir(dataDir);
    },
  };
};

export type BottledRuntime = Awaited<ReturnType<typeof startBottledRuntime>>;

const connectionsIn = (log: string): readonly Connection[] =>
  (existsSync(log) ? readFileSync(log, "utf8") : "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Connection);
