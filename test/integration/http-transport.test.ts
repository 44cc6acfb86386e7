import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { makeHttpTransport } from "../../lambdas/adapters/http/transport.ts";
import type { HttpRequest } from "../../lambdas/channels/channel.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";
import { selfSigned } from "../support/certificates.ts";
import { parseRequest, pour, startRawServer } from "../support/raw-server.ts";
import type { RawServer, RawServerOptions } from "../support/raw-server.ts";

const send = makeHttpTransport(parseAllowList("127.0.0.0/8,::1/128"));
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

const servers: RawServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

const start = async (...args: Parameters<typeof startRawServer>): Promise<RawServer> => {
  const server = await startRawServer(...args);
  servers.push(server);
  return server;
};

const serverThatAnswers = (answer: string, options?: RawServerOptions): Promise<RawServer> =>
  start((socket) => socket.end(answer), options);

const requestTo = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: "POST",
  headers: [],
  body: null,
  timeoutMs: 10_000,
  ...more,
});

/** What reached a server of a request that was answered. */
const sent = async (more: Partial<HttpRequest> = {}, path = "/hook") => {
  const server = await serverThatAnswers(OK);
  const answer = await send(requestTo(`${server.url}${path}`, more));
  expect(answer).toMatchObject({ kind: "answered", status: 200 });
  expect(server.connections).toHaveLength(1);
  return { server, ...parseRequest(server.connections[0]!.received()) };
};

describe("a request", () => {
  it("carries the body's bytes as they are, whatever they mean", async () => {
    const body = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
    const { body: received, values } = await sent({ body });
    expect(Buffer.from(received, "latin1")).toEqual(Buffer.from(body));
    expect(values("content-length")).toEqual(["512"]);
    expect(values("transfer-encoding")).toEqual([]);
  });

  it("carries a body of many packets whole", async () => {
    const body = Buffer.alloc(262_144, "0123456789abcdef");
    expect(Buffer.from((await sent({ body })).body, "latin1")).toEqual(body);
  });

  it("carries headers in the order and the spelling in which they were given, also twice", async () => {
    const headers = [
      ["X-Later", "1"],
      ["accept", "a, b;q=0.5"],
      ["x-later", "2\t3"],
      ["constructor", "{}"],
      ["X-Later", "4"],
    ] as const;
    const { headers: received } = await sent({ headers });
    const names = headers.map(([name]) => name.toLowerCase());
    expect(received.filter(([name]) => names.includes(name.toLowerCase()))).toEqual(headers);
  });

  it("says nothing that was not asked for beside host, length and what becomes of the connection", async () => {
    const { headers, server } = await sent();
    expect(Object.fromEntries(headers)).toEqual({
      host: `127.0.0.1:${server.port}`,
      "content-length": "0",
      connection: "keep-alive",
    });
  });

  it("goes to path and query as the URL standard writes them, without the fragment", async () => {
    const { requestLine } = await sent({}, "/a/../b c?x=%20&y=ü#part");
    expect(requestLine).toBe("POST /b%20c?x=%20&y=%C3%BC HTTP/1.1");
  });

  it("names the host in small letters, with its port", async () => {
    const server = await serverThatAnswers(OK);
    await send(requestTo(`HTTP://LOCALHOST:${server.port}`));
    const { requestLine, values } = parseRequest(server.connections[0]!.received());
    expect(requestLine).toBe("POST / HTTP/1.1");
    expect(values("host")).toEqual([`localhost:${server.port}`]);
  });

  it.skipIf(!networkInterfaces()["lo"]?.some(({ family }) => family === "IPv6"))(
    "reaches an IPv6 address",
    async () => {
      const server = await serverThatAnswers(OK, { host: "::1" });
      expect(await send(requestTo(server.url))).toMatchObject({ kind: "answered", status: 200 });
      const { values } = parseRequest(server.connections[0]!.received());
      expect(values("host")).toEqual([`[::1]:${server.port}`]);
    },
  );

  it.each([
    ["GET", null, undefined],
    ["DELETE", null, undefined],
    ["DELETE", '{"a":1}', "7"],
    ["GET", '{"a":1}', "7"],
    ["POST", null, "0"],
    ["POST", "null", "4"],
    ["PUT", null, "0"],
    ["PATCH", null, "0"],
  ] as const)("%s with the body %s has the length %s", async (method, text, length) => {
    const body = text === null ? null : Buffer.from(text);
    const { requestLine, body: received, values } = await sent({ method, body });
    expect(requestLine).toBe(`${method} /hook HTTP/1.1`);
    expect(received).toBe(text ?? "");
    expect(values("content-length")).toEqual(length === undefined ? [] : [length]);
    expect(values("transfer-encoding")).toEqual([]);
  });

  it("that cannot be written is a failed one, not an exception", async () => {
    const server = await serverThatAnswers(OK);
    const answer = await send(requestTo(server.url, { headers: [["x", "a\r\nb: c"]] }));
    expect(answer).toMatchObject({ kind: "broken", code: "protocol", status: null });
    expect(server.connections).toHaveLength(0);
  });
});

describe("a request that gets no answer", () => {
  it("to a port where nobody listens failed to connect", async () => {
    const server = await start();
    await server.stop();
    const answer = await send(requestTo(server.url));
    expect(answer).toMatchObject({ kind: "broken", code: "connect", status: null });
    expect(answer).toHaveProperty("text", expect.stringMatching(/ECONNREFUSED/));
  });

  it.each([
    ["that does not resolve", "nonexistent.invalid"],
    ["with a label that is too long", `${"a".repeat(64)}.invalid`],
    ["that is too long", `${"a.".repeat(130)}invalid`],
    ["that is none", "a..invalid"],
  ])("to a name %s failed at DNS", async (_, name) => {
    const answer = await send(requestTo(`http://${name}/`));
    expect(answer).toMatchObject({ kind: "broken", code: "dns", status: null });
  });

  it("to a certificate that nobody signed failed at TLS, before a byte of it was sent", async () => {
    const server = await serverThatAnswers(OK, { tls: selfSigned });
    const answer = await send(requestTo(server.url));
    expect(answer).toMatchObject({ kind: "broken", code: "tls", status: null });
    expect(answer).toHaveProperty("text", expect.stringMatching(/self.signed/));
    expect(server.connections.map(({ received }) => received()).join()).toBe("");
  });

  it("by TLS to a server that speaks none failed at TLS", async () => {
    const server = await start();
    const answer = send(requestTo(server.url.replace("http:", "https:")));
    await expect.poll(() => server.connections.length).toBe(1);
    server.connections[0]!.socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await answer).toMatchObject({ kind: "broken", code: "tls", status: null });
  });

  it.each([
    ["is reset", (server: RawServer) => server.connections[0]!.socket.resetAndDestroy()],
    ["is closed", (server: RawServer) => server.connections[0]!.socket.end()],
  ])("because its connection %s says so", async (_, end) => {
    const server: RawServer = await start(() => end(server));
    const answer = await send(requestTo(server.url, { body: Buffer.from("read") }));
    expect(answer).toMatchObject({ kind: "broken", code: "reset", status: null });
    expect(parseRequest(server.connections[0]!.received()).body).toBe("read");
  });
});

describe("a process that sends requests", () => {
  let folder: string;
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Runs requests in a process of their own, which trusts the server, until it ends by itself. */
  const sendInProcess = async (requests: readonly object[]): Promise<readonly unknown[]> => {
    folder = await mkdtemp(join(tmpdir(), "pulsegate-transport-"));
    const certificate = join(folder, "certificate.pem");
    await writeFile(certificate, selfSigned.cert);
    const module = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);
    const script = `
      import { makeHttpTransport } from ${module("lambdas/adapters/http/transport.ts")};
      import { parseAllowList } from ${module("lambdas/core/rules/destination-policy.ts")};
      const send = makeHttpTransport(parseAllowList("127.0.0.0/8,::1/128"));
      const answers = await Promise.all(${JSON.stringify(requests)}.map((request) => send(request)));
      console.log(JSON.stringify(answers.map(({ kind, code, status }) => ({ kind, code, status }))));
    `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", script],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate }, timeout: 20_000 },
    );
    return JSON.parse(stdout) as readonly unknown[];
  };

  it("uses the name for Host and for TLS, where the certificate is good", async () => {
    const server = await serverThatAnswers(OK, { tls: selfSigned });
    const url = `https://localhost:${server.port}/hook`;
    const answers = await sendInProcess([requestTo(url)]);
    expect(answers).toEqual([{ kind: "answered", status: 200 }]);
    const [connection] = server.connections;
    expect((connection!.socket as TLSSocket).servername).toBe("localhost");
    expect(parseRequest(connection!.received()).values("host")).toEqual([
      `localhost:${server.port}`,
    ]);
  });

  it("can end, whatever its destinations still have in mind", async () => {
    const silent = await start();
    const endless = await start((socket) =>
      pour(socket, `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(65_536)}`),
    );
    const kept = await start((socket) => socket.write(OK));
    const answers = await sendInProcess([
      requestTo(silent.url, { timeoutMs: 200 }),
      requestTo(silent.url.replace("http:", "https:"), { timeoutMs: 200 }),
      requestTo(endless.url),
      requestTo(kept.url),
    ]);
    expect(answers).toEqual([
      { kind: "broken", code: "timeout", status: null },
      { kind: "broken", code: "timeout", status: null },
      { kind: "answered", status: 200 },
      { kind: "answered", status: 200 },
    ]);
  });
});
