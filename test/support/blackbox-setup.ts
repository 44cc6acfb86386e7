import type { TestProject } from "vitest/node";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "./runtime-process.ts";

declare module "vitest" {
  export interface ProvidedContext {
    baseUrl: string;
  }
}

/** Any PulseGate will do: the one that PULSEGATE_URL names, else an embedded one of our own. */
export default async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const given = process.env["PULSEGATE_URL"];
  if (given !== undefined) {
    project.provide("baseUrl", given);
    return undefined;
  }
  const dataDir = await makeDataDir();
  const runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
  project.provide("baseUrl", runtime.url);
  return async () => {
    await runtime.stop();
    await removeDataDir(dataDir);
  };
};
