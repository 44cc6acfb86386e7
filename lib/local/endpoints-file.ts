import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { QueueName } from "../topology.ts";
import type { Endpoints } from "./clients.ts";

/** Where a running runtime's table and queues answer, for commands beside it. */
export interface EndpointsFile {
  readonly endpoints: Endpoints;
  readonly queueUrls: Readonly<Record<QueueName, string>>;
}

export const writeEndpointsFile = (dataDir: string, file: EndpointsFile): void =>
  writeFileSync(pathIn(dataDir), `${JSON.stringify(file, null, 2)}\n`);

/** @throws Error if no runtime ever ran on this folder */
export const readEndpointsFile = (dataDir: string): EndpointsFile => {
  try {
    return JSON.parse(readFileSync(pathIn(dataDir), "utf8")) as EndpointsFile;
  } catch (cause) {
    throw new Error(`no runtime has run on the data folder ${dataDir}`, { cause });
  }
};

const pathIn = (dataDir: string): string => join(dataDir, "endpoints.json");
