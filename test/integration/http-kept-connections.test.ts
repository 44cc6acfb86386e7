import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it, vi } from "vitest";
import { keepConnections } from "../../lambdas/adapters/http/kept-connections.ts";
import { makeHttpTransport } from "../../lambdas/adapters/http/transport.ts";
import type { HttpAnswer, HttpRequest } from "../../lambdas/channels/channel.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";
import { eventually } from "../support/eventually.ts";

const allow = parseAllowList("127.0.0.0/8");
const servers: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

const answerOf = (text: string, ...headers: string[]) =>
  ["HTTP/1.1 200 OK", `content-length: ${text.length}`, ...headers, "", text].join("\r\n");

/** A server that answers each request with its number on the connection, as the path says. */
const start = async (
  answer: (socket: Socket, nth: number, path: string) => void = (socket, nth) =>
    socket.write(answerOf(String(nth))),
) => {
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = createServer((socket) => {
    opened += 1;
    sockets.add(socket);
    let nth = 0;
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    // Every request of these tests comes in one piece.
    socket.on("data", (chunk: Buffer) => {
      answer(socket, (nth += 1), chunk.toString().split(" ")[1] ?? "");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push({ server, sockets });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, sockets, opened: () => opened };
};

const to = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: "POST",
  headers: [],
  body: Buffer.from("{}"),
  timeoutMs: 5_000,
  ...more,
});
const bodyOf = ({ body }: HttpAnswer): string => Buffer.from(body).toString();

describe("a connection", () => {
  it("is kept for the next request to the same origin", async () => {
    const send = makeHttpTransport(allow);
    const server = await start();
    const answers: string[] = [];
    for (const path of ["/a", "/b", "/c"]) answers.push(bodyOf(await send(to(server.url + path))));
    expect(answers).toEqual(["1", "2", "3"]);
    expect(server.opened()).toBe(1);
  });

  it("is not shared by requests at once, nor with another origin", async () => {
    const send = makeHttpTransport(allow);
    const [one, other] = [await start(), await start()];
    await Promise.all([send(to(one.url)), send(to(one.url)), send(to(other.url))]);
    expect([one.opened(), other.opened()]).toEqual([2, 1]);
  });

  it("that was idle for too long by the wall clock is not trusted, as after a freeze", async () => {
    const send = makeHttpTransport(allow);
    const server = await start();
    await send(to(server.url));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_900 });
    expect(bodyOf(await send(to(server.url)))).toBe("2");
    vi.setSystemTime(Date.now() + 4_100);
    expect(bodyOf(await send(to(server.url)))).toBe("1");
    expect(server.opened()).toBe(2);
  });

  it("that the other side closed meanwhile is replaced, also if nothing of ours ran since", async () => {
    const send = makeHttpTransport(allow);
    const server = await start();
    await send(to(server.url));
    for (const socket of server.sockets) socket.end();
    const until = performance.now() + 200;
    while (performance.now() < until);
    expect(bodyOf(await send(to(server.url)))).toBe("1");
    expect(server.opened()).toBe(2);
  });

  it.each([
    ["says that it ends", answerOf("x", "connection: close")],
    ["goes on after its end", `${answerOf("x")}${answerOf("stray")}`],
    ["is longer than is read", answerOf("x".repeat(3_000_000))],
    ["has no length", "HTTP/1.1 200 OK\r\n\r\nx"],
  ])("is not kept after an answer that %s", async (what, answer) => {
    const send = makeHttpTransport(allow);
    const server = await start((socket, _, path) => {
      socket.write(path === "/odd" ? answer : answerOf("fine"));
      if (what === "has no length" && path === "/odd") socket.end();
    });
    expect(await send(to(`${server.url}/odd`))).toMatchObject({ kind: "answered", status: 200 });
    await eventually("it is closed", () => server.sockets.size === 0 || undefined);
    expect(bodyOf(await send(to(`${server.url}/next`)))).toBe("fine");
    expect(server.opened()).toBe(2);
  });

  it("is not kept with bytes on it that nobody asked for", async () => {
    const send = makeHttpTransport(allow);
    const server = await start();
    await send(to(server.url));
    for (const socket of server.sockets) socket.write(answerOf("stray"));
    await eventually("it is closed", () => server.sockets.size === 0 || undefined);
    expect(bodyOf(await send(to(server.url)))).toBe("1");
  });

  it("is not kept after a request that was given up", async () => {
    const send = makeHttpTransport(allow);
    const server = await start((socket, nth, path) => {
      if (path !== "/silent") socket.write(answerOf(String(nth)));
    });
    expect(await send(to(`${server.url}/silent`, { timeoutMs: 100 }))).toMatchObject({
      kind: "broken",
      code: "timeout",
    });
    await eventually("it is closed", () => server.sockets.size === 0 || undefined);
    expect(bodyOf(await send(to(server.url)))).toBe("1");
  });
});

describe("a kept connection that breaks before anything was sent over it", () => {
  it("is replaced inside the same attempt", async () => {
    // A process of its own, which can reset a connection while ours sees nothing.
    const server = spawn(process.execPath, ["--eval", resettingServer], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [port] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
      const blind = {
        ...keepConnections(),
        dropStale: () => {
          const until = performance.now() + 300;
          while (performance.now() < until);
          return Promise.resolve();
        },
      };
      const send = makeHttpTransport(allow, undefined, blind);
      const url = `http://127.0.0.1:${port}/`;
      expect(await send(to(url))).toMatchObject({ kind: "answered", status: 200 });
      const again = await send(to(url));
      expect(again).toMatchObject({ kind: "answered", status: 200 });
      expect(bodyOf(again)).toBe("connection 2");
    } finally {
      server.kill();
    }
  });
});

/** Resets each connection a moment after its first answer. */
const resettingServer = `
  let connections = 0;
  const server = require("node:net").createServer((socket) => {
    const text = "connection " + (connections += 1);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\\r\\ncontent-length: " + text.length + "\\r\\n\\r\\n" + text);
      setTimeout(() => socket.resetAndDestroy(), 100);
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;
