import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import type { HttpFunction } from "../../lambdas/middleware/http.ts";
import { startHttpGateway } from "../../lib/local/http-gateway.ts";
import type { HttpGateway, HttpGatewayOptions } from "../../lib/local/http-gateway.ts";
import { eventually } from "../support/eventually.ts";

const MAX_BODY_BYTES = 10 * 1_024 * 1_024;

/** It asks for a sign that its headers have arrived. */
const HALF_A_REQUEST =
  "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\nhalf";

const gateways: HttpGateway[] = [];
const connections: Socket[] = [];
afterEach(async () => {
  for (const socket of connections.splice(0)) socket.destroy();
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});

const start = async (
  $default: HttpFunction,
  more: Partial<HttpGatewayOptions> = {},
): Promise<HttpGateway> => {
  const options = { host: "127.0.0.1", port: 0, routes: { $default }, ...more };
  const gateway = await startHttpGateway(options);
  gateways.push(gateway);
  return gateway;
};

const answerWith =
  (body: string): HttpFunction =>
  () =>
    Promise.resolve({ statusCode: 200, body });

/** A function that tells of its start, and answers when it is told to. */
const gatedFunction = () => {
  let begin = () => undefined as void;
  let answer = () => undefined as void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const released = new Promise<void>((resolve) => (answer = resolve));
  const calls: string[] = [];
  const handler: HttpFunction = async ({ rawPath }) => {
    calls.push(rawPath);
    begin();
    await released;
    return { statusCode: 200, body: "done" };
  };
  return { handler, calls, begun, answer: () => answer() };
};

/** A connection that says what no HTTP client would. */
const rawConnection = async ({ url }: HttpGateway, says: string) => {
  let received = "";
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  connections.push(socket);
  socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
  socket.on("error", () => undefined);
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(received)));
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  socket.write(says);
  return { socket, closed, received: () => received };
};

describe("the gateway's limits", () => {
  it("take a body of 10 MB, and refuse a longer one with 413", async () => {
    const lengths: number[] = [];
    const gateway = await start((event) => {
      lengths.push(Buffer.from(event.body ?? "", "base64").length);
      return Promise.resolve({ statusCode: 201 });
    });
    const post = (bytes: number) =>
      fetch(gateway.url, { method: "POST", body: Buffer.alloc(bytes) });
    expect((await post(MAX_BODY_BYTES)).status).toBe(201);
    const refusal = await post(MAX_BODY_BYTES + 1);
    expect(refusal.status).toBe(413);
    expect(await refusal.json()).toEqual({ message: "Request Entity Too Large" });
    expect(lengths).toEqual([MAX_BODY_BYTES]);
  });

  it("take headers of 9 KB, and refuse those over 10 KB with 431", async () => {
    const gateway = await start(answerWith("ok"));
    const statusWith = async (bytes: number) => {
      const response = await fetch(gateway.url, { headers: { "x-long": "x".repeat(bytes) } });
      return response.status;
    };
    expect(await statusWith(9_000)).toBe(200);
    expect(await statusWith(10_240)).toBe(431);
  });

  it.each([
    ["garbage", "garbage\r\n\r\n", 400],
    ["an unknown method", "FOO / HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
      400,
    ],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    [
      "an Expect of something else",
      "GET / HTTP/1.1\r\nhost: x\r\nexpect: y\r\nconnection: close\r\n\r\n",
      417,
    ],
  ])("refuse %s before any function sees it, as docs/errors.md lists", async (_, says, status) => {
    const gateway = await start(() => Promise.reject(new Error("a function was called")));
    const answer = await (await rawConnection(gateway, says)).closed;
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(readFileSync("docs/errors.md", "utf8")).toMatch(new RegExp(`^\\| ${status} `, "m"));
  });

  it("answer 503 for a function that hangs, which is told how long it has", async () => {
    const remainingMs: number[] = [];
    const hanging: HttpFunction = (_, context) => {
      remainingMs.push(context.getRemainingTimeInMillis());
      return new Promise(() => undefined);
    };
    const response = await fetch((await start(hanging, { timeoutMs: 200 })).url);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ message: "Service Unavailable" });
    expect(remainingMs).toEqual([expect.toSatisfy((ms: number) => ms > 0 && ms <= 200)]);
  });

  it("survive a client that goes away in the middle of its body", async () => {
    const gateway = await start(answerWith("ok"));
    const client = await rawConnection(
      gateway,
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf",
    );
    client.socket.resetAndDestroy();
    await client.closed;
    expect(await (await fetch(gateway.url)).text()).toBe("ok");
  });
});

describe("a start", () => {
  it("on a port in use is refused in one line", async () => {
    const { port } = new URL((await start(answerWith("first"))).url);
    const second = start(answerWith("second"), { port: Number(port) });
    await expect(second).rejects.toThrow(
      new Error(`cannot listen on 127.0.0.1:${port}: the port is in use (set PORT or HOST)`),
    );
  });

  it("on a host that is not this machine's is refused in one line", async () => {
    await expect(start(answerWith(""), { host: "192.0.2.1" })).rejects.toThrow(
      /^cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL.* \(set PORT or HOST\)$/,
    );
  });

  it.skipIf(!networkInterfaces()["lo"]?.some(({ family }) => family === "IPv6"))(
    "on an IPv6 host has an address that works as it is",
    async () => {
      const gateway = await start(answerWith("six"), { host: "::1" });
      expect(gateway.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
      expect(await (await fetch(gateway.url)).text()).toBe("six");
    },
  );
});

describe("a stop", () => {
  const isOver = (stop: Promise<void>): Promise<boolean> =>
    Promise.race([stop.then(() => true), new Promise<false>((r) => setImmediate(r, false))]);

  it("answers the requests under way, and refuses new ones meanwhile", async () => {
    const { handler, calls, begun, answer } = gatedFunction();
    const gateway = await start(handler);
    const response = fetch(`${gateway.url}/under-way`);
    await begun;
    const stop = gateway.stop();
    const refused = await fetch(`${gateway.url}/new`).catch(({ cause }: Error) => cause);
    expect(refused).toMatchObject({ code: "ECONNREFUSED" });
    expect(await isOver(stop)).toBe(false);

    answer();
    expect(await (await response).text()).toBe("done");
    await stop;
    expect(calls).toEqual(["/under-way"]);
  });

  it("tells clients not to keep their connection, and does not wait for them to end it", async () => {
    const { handler, begun, answer } = gatedFunction();
    const gateway = await start(handler);
    const client = await rawConnection(gateway, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await begun;
    const stop = gateway.stop();
    answer();
    await within(2_000, stop);
    expect(await client.closed).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*connection: close\r\n/i);
  });

  it.each([
    ["has asked for nothing yet", ""],
    ["is in the middle of its request's headers", "GET / HTTP/1.1\r\nho"],
    ["is in the middle of its request's body", HALF_A_REQUEST],
  ])("does not wait for a connection that %s", async (_, says) => {
    const gateway = await start(answerWith("ok"));
    const client = await rawConnection(gateway, says);
    // Accepted after the one above, so that one is known to be there.
    await fetch(gateway.url);
    await within(4_000, gateway.stop());
    await client.closed;
  });

  it("does not wait for a connection that is kept for later", async () => {
    const gateway = await start(answerWith("ok"));
    const client = await rawConnection(gateway, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await eventually("an answer", () => client.received().endsWith("ok") || undefined);
    await within(2_000, gateway.stop());
    await client.closed;
  });

  it("still takes a body that was on its way", async () => {
    const gateway = await start(answerWith("taken"));
    const client = await rawConnection(gateway, HALF_A_REQUEST);
    await eventually("the go-ahead", () => client.received().includes("100") || undefined);
    const stop = gateway.stop();
    client.socket.write(" full");
    expect(await client.closed).toMatch(/taken$/);
    await stop;
  });

  it("cuts off a body that does not come, but no request that is being worked on", async () => {
    const { handler, begun, answer } = gatedFunction();
    const gateway = await start(handler);
    const response = fetch(gateway.url);
    const client = await rawConnection(gateway, HALF_A_REQUEST);
    await eventually("the go-ahead", () => client.received().includes("100") || undefined);
    await begun;
    const stop = gateway.stop();
    expect(await client.closed).not.toMatch(/done/);
    expect(await isOver(stop)).toBe(false);
    answer();
    expect(await (await response).text()).toBe("done");
    await stop;
  });

  it("waits for a function whose client has gone", async () => {
    const { handler, begun, answer } = gatedFunction();
    const gateway = await start((event, context) =>
      event.rawPath === "/slow" ? handler(event, context) : answerWith("ok")(event, context),
    );
    const client = await rawConnection(gateway, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
    await begun;
    client.socket.resetAndDestroy();
    await client.closed;
    // After these the gateway knows too.
    for (const _ of [1, 2, 3]) await (await fetch(gateway.url)).text();
    const stop = gateway.stop();
    await expect(fetch(gateway.url)).rejects.toThrow();
    expect(await isOver(stop)).toBe(false);
    answer();
    await stop;
  });
});

/** Fails where something takes longer than it may. */
const within = async (limitMs: number, work: Promise<void>): Promise<void> => {
  let isOver = false;
  const over = work.then(() => (isOver = true));
  await eventually(`over within ${limitMs} ms`, () => isOver || undefined, limitMs);
  await over;
};
