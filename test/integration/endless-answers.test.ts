import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { parseRequest, pour, startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";

const MEGABYTE = 1_048_576;
/** A gigabyte of zeros in a megabyte: a file of gzip may have many members. */
const bomb = Buffer.concat(Array<Buffer>(64).fill(gzipSync(Buffer.alloc(16 * MEGABYTE))));
const letters = Buffer.alloc(MEGABYTE, "x");

let dataDir: string;
let runtime: RuntimeProcess;
let server: RawServer;

beforeAll(async () => {
  dataDir = await makeDataDir();
  runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
  server = await startRawServer((socket, request) => {
    const [, path] = parseRequest(request).requestLine.split(" ");
    const head = (status: number, more: string) => `HTTP/1.1 ${status} Said\r\n${more}`;
    if (path === "/bomb") socket.write(head(200, "content-encoding: gzip\r\n\r\n"));
    if (path === "/bomb") pour(socket, bomb);
    if (path === "/failing-bomb") socket.write(head(500, "content-encoding: gzip\r\n\r\n"));
    if (path === "/failing-bomb") socket.end(bomb);
    if (path === "/fast") socket.write(head(200, "\r\n"));
    if (path === "/fast") pour(socket, letters);
    if (path === "/header") socket.write(head(200, "x-long: "));
    if (path === "/header") pour(socket, letters);
    if (path === "/interim") pour(socket, head(103, "\r\n").repeat(1_000));
  });
});
afterAll(async () => {
  await runtime.stop();
  await server.stop();
  await removeDataDir(dataDir);
});

/** The most memory that the runtime has had resident since its start. */
const peakBytes = (): number => {
  const status = readFileSync(`/proc/${runtime.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
};

it.runIf(process.platform === "linux")(
  "answers without an end take no memory, and nothing is inflated",
  async () => {
    const api = apiAt(runtime.url);
    const ends = {
      "/bomb": ["success", null],
      "/failing-bomb": ["dlq", /^http_status: the destination answered 500$/],
      "/fast": ["success", null],
      "/header": ["dlq", /^protocol: .*header overflow/i],
      "/interim": ["dlq", /^timeout: /],
    } as const;
    const before = peakBytes();
    const jobs = await Promise.all(
      Object.entries(ends).flatMap(([path, end]) =>
        Array.from({ length: 8 }, async () => {
          const retry = { max_attempts: 1 };
          const timeout_ms = path === "/interim" ? 1_000 : 20_000;
          const job = jobTo(`${server.url}${path}`, { retry }, { timeout_ms });
          return { id: await api.accepted(job), end };
        }),
      ),
    );
    for (const { id, end } of jobs) {
      const [status, error] = end;
      const job = await api.until(id, status);
      if (error === null) expect(job.last_error).toBeNull();
      else expect(job.last_error).toMatch(error);
    }
    expect(peakBytes() - before).toBeLessThan(400 * MEGABYTE);
    // It goes on working.
    expect((await fetch(`${runtime.url}/healthz`)).status).toBe(200);
  },
);
