import { afterEach, describe, expect, it } from "vitest";
import { makeHttpTransport } from "../../lambdas/adapters/http/transport.ts";
import type { HttpAnswer } from "../../lambdas/channels/channel.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";
import { drip, pour, startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";

/** SPEC: kept to within 200 ms after it, never before. */
const TOLERANCE_MS = 200;
/** What the two sides' sockets may hold while nobody reads. */
const IN_FLIGHT_BYTES = 16 * 1_048_576;
const KEPT_BYTES = 65_536;

const send = makeHttpTransport(parseAllowList("127.0.0.0/8,slow.test"));

const servers: RawServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

const start = async (answer?: Parameters<typeof startRawServer>[0]): Promise<RawServer> => {
  const server = await startRawServer(answer);
  servers.push(server);
  return server;
};

const sendTo = (url: string, timeoutMs = 10_000, body: Buffer | null = null) =>
  send({ url, method: "POST", headers: [], body, timeoutMs });

const bodyOf = ({ body }: HttpAnswer): string => Buffer.from(body).toString("latin1");

describe("the time limit", () => {
  /** An attempt that must end by its limit, neither before nor long after; its connection too. */
  const timedOut = async (
    server: RawServer,
    { timeoutMs = 400, url = server.url, body = null as Buffer | null } = {},
  ): Promise<HttpAnswer> => {
    const startedAtMs = performance.now();
    const answer = await sendTo(url, timeoutMs, body);
    const tookMs = performance.now() - startedAtMs;
    expect(answer).toMatchObject({
      kind: "broken",
      code: "timeout",
      text: `no complete answer within ${timeoutMs} ms`,
    });
    expect(tookMs).toBeGreaterThanOrEqual(timeoutMs);
    expect(tookMs).toBeLessThanOrEqual(timeoutMs + TOLERANCE_MS);
    for (const { socket, closed } of server.connections) {
      socket.resume();
      await closed;
    }
    return answer;
  };

  it.each([100, 1_000, 1_700])(
    "of %i ms ends an attempt whose server accepts and says nothing",
    async (timeoutMs) => {
      const answer = await timedOut(await start(), { timeoutMs });
      expect(answer).toMatchObject({ status: null });
      expect(bodyOf(answer)).toBe("");
    },
  );

  it("ends an attempt whose answer drips, and keeps its status and what has come", async () => {
    const server = await start((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      drip(socket, "x");
    });
    const answer = await timedOut(server, { timeoutMs: 1_000 });
    expect(answer).toMatchObject({ status: 200 });
    expect(bodyOf(answer)).toMatch(/^x+$/);
  });

  it("ends an attempt whose headers drip", async () => {
    const server = await start((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      drip(socket, "x-slow: 1\r\n");
    });
    expect(await timedOut(server)).toMatchObject({ status: null });
  });

  it("ends an attempt that hears of nothing but progress", async () => {
    const server = await start((socket) => drip(socket, "HTTP/1.1 102 Processing\r\n\r\n"));
    expect(await timedOut(server)).toMatchObject({ status: null });
  });

  it("ends an attempt that lacks one byte of what is kept", async () => {
    const server = await start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(KEPT_BYTES - 1)}`);
    });
    const answer = await timedOut(server);
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toHaveLength(KEPT_BYTES - 1);
  });

  it("ends an attempt whose TLS handshake nobody answers, and its connection with it", async () => {
    const server = await start();
    await timedOut(server, { url: server.url.replace("http:", "https:") });
    expect(server.connections).toHaveLength(1);
  });

  it("ends an attempt whose body nobody reads", async () => {
    const server = await start();
    const answer = timedOut(server, { body: Buffer.alloc(IN_FLIGHT_BYTES) });
    await expect.poll(() => server.connections.length, { interval: 1 }).toBe(1);
    server.connections[0]!.socket.pause();
    expect(await answer).toMatchObject({ status: null });
  });

  it("ends an attempt whose name is looked up in vain", async () => {
    const server = await start();
    const lookups: string[] = [];
    const waiting = makeHttpTransport(parseAllowList("slow.test"), (name) => lookups.push(name));
    const startedAtMs = performance.now();
    const answer = await waiting({
      url: `http://slow.test:${server.port}/`,
      method: "GET",
      headers: [],
      body: null,
      timeoutMs: 300,
    });
    const tookMs = performance.now() - startedAtMs;
    expect(answer).toMatchObject({ kind: "broken", code: "timeout", status: null });
    expect(tookMs).toBeGreaterThanOrEqual(300);
    expect(tookMs).toBeLessThanOrEqual(300 + TOLERANCE_MS);
    expect(lookups).toEqual(["slow.test"]);
    expect(server.connections).toHaveLength(0);
  });

  it("does not end an attempt that is done in time", async () => {
    const server = await start((socket) => {
      setTimeout(() => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), 300);
    });
    expect(await sendTo(server.url, 30_000)).toMatchObject({ kind: "answered", status: 200 });
  });
});

describe("a long answer", () => {
  it("is a success once its first 64 KiB are read, and the rest is not taken", async () => {
    const server = await start((socket) =>
      pour(socket, `HTTP/1.1 200 OK\r\n\r\n${"0123456789abcdef".repeat(65_536)}`),
    );
    const answer = await sendTo(server.url);
    expect(answer).toMatchObject({ kind: "answered", status: 200 });
    expect(bodyOf(answer)).toBe("0123456789abcdef".repeat(KEPT_BYTES / 16));
    const [connection] = server.connections;
    await connection!.closed;
    expect(connection!.socket.bytesWritten).toBeLessThan(IN_FLIGHT_BYTES);
  });

  it("is a success also if it stops after its first 64 KiB", async () => {
    const server = await start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n${"x".repeat(KEPT_BYTES)}`);
    });
    expect(await sendTo(server.url)).toMatchObject({ kind: "answered", status: 200 });
  });

  it("is kept to 64 KiB also if it fails", async () => {
    const server = await start((socket) =>
      socket.write(`HTTP/1.1 500 No\r\ncontent-length: 99999\r\n\r\n${"x".repeat(99_999)}`),
    );
    const answer = await sendTo(server.url);
    expect(answer).toMatchObject({ kind: "answered", status: 500 });
    expect(answer.body).toHaveLength(KEPT_BYTES);
  });
});

describe("response headers", () => {
  const answerWith = async (bytes: number, line: string): Promise<HttpAnswer> => {
    const lines = line.repeat(Math.ceil(bytes / line.length));
    const server = await start((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${lines}content-length: 0\r\n\r\n`),
    );
    return sendTo(server.url);
  };

  it.each([
    ["in one line", `x-long: ${"x".repeat(20_470)}\r\n`],
    ["in many lines", `x-many: ${"x".repeat(90)}\r\n`],
  ])("of 20 KB are a failure: %s", async (_, line) => {
    expect(await answerWith(20_480, line)).toMatchObject({
      kind: "broken",
      code: "protocol",
      text: expect.stringMatching(/header overflow/i) as string,
      status: null,
    });
  });

  it("of 15 KB are none", async () => {
    const answer = await answerWith(15_000, `x-many: ${"x".repeat(90)}\r\n`);
    expect(answer).toMatchObject({ kind: "answered", status: 200 });
  });

  it("that never end are not taken", async () => {
    const server = await start((socket) => {
      socket.write("HTTP/1.1 500 No\r\nx-long: ");
      pour(socket, "x".repeat(1_048_576));
    });
    expect(await sendTo(server.url)).toMatchObject({ kind: "broken", code: "protocol" });
    const [connection] = server.connections;
    await connection!.closed;
    expect(connection!.socket.bytesWritten).toBeLessThan(IN_FLIGHT_BYTES);
  });
});
