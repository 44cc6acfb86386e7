import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { parseRequest, pour, startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";

const MEGABYTE = 1_048_576;
/** A gigabyte of zeros in a megabyte: a file of gzip may have many members. */
const bomb = Buffer.concat(Array<Buffer>(64).fill(gzipSync(Buffer.alloc(16 * MEGABYTE))));
const letters = Buffer.alloc(MEGABYTE, "x");

const saying = (head: string, more: string | Buffer) => (socket: Socket) => {
  socket.write(`HTTP/1.1 ${head}`);
  pour(socket, more);
};
const answers: Readonly<Record<string, (socket: Socket) => void>> = {
  "/crumbs": saying("200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n".repeat(10_000)),
  "/bomb": saying("200 OK\r\ncontent-encoding: gzip\r\n\r\n", bomb),
  "/failing-bomb": saying("500 No\r\ncontent-encoding: gzip\r\n\r\n", bomb),
  "/fast": saying("200 OK\r\n\r\n", letters),
  "/header": saying("200 OK\r\nx-long: ", letters),
  "/trailers": saying(
    "200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
    "x: y\r\n".repeat(10_000),
  ),
  "/extension": saying("200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=", letters),
  "/interim": saying("103 Hints\r\n\r\n", "HTTP/1.1 103 Hints\r\n\r\n".repeat(1_000)),
};

let dataDir: string;
let runtime: RuntimeProcess;
let server: RawServer;

beforeAll(async () => {
  dataDir = await makeDataDir();
  runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
  server = await startRawServer((socket, request) => {
    const [, path = ""] = parseRequest(request).requestLine.split(" ");
    answers[path]?.(socket);
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

describe.runIf(process.platform === "linux")("an answer without an end takes no memory", () => {
  it.each([
    ["in pieces of one byte", "/crumbs", "success", null],
    ["compressed, of which nothing is inflated", "/bomb", "success", null],
    ["compressed, with a failure", "/failing-bomb", "dlq", /^http_status: .*answered 500$/],
    ["as fast as it can be read", "/fast", "success", null],
    ["in a header", "/header", "dlq", /^protocol: .*header overflow/i],
    ["in trailers", "/trailers", "dlq", /^protocol: .*overflow/i],
    ["in an extension of a chunk", "/extension", "dlq", /^protocol: .*overflow/i],
    ["in interim answers", "/interim", "dlq", /^protocol: more than 100 interim answers/],
  ] as const)("%s", async (_, path, status, error) => {
    const api = apiAt(runtime.url);
    const before = peakBytes();
    const job = jobTo(
      `${server.url}${path}`,
      { retry: { max_attempts: 1 } },
      { timeout_ms: 20_000 },
    );
    const ids = await Promise.all(Array.from({ length: 10 }, () => api.accepted(job)));
    for (const id of ids) {
      const { last_error: lastError } = await api.until(id, status);
      if (error === null) expect(lastError).toBeNull();
      else expect(lastError).toMatch(error);
    }
    expect(peakBytes() - before).toBeLessThan(150 * MEGABYTE);
    // It goes on working.
    expect((await fetch(`${runtime.url}/healthz`)).status).toBe(200);
  });
});
