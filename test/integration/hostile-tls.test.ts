import { writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { TLSSocket, TlsOptions } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobTo } from "../support/api.ts";
import { startBottledRuntime } from "../support/bottled-runtime.ts";
import type { BottledRuntime } from "../support/bottled-runtime.ts";
import { expired, selfSigned, untrusted } from "../support/certificates.ts";
import { parseRequest, startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";
import { makeDataDir, removeDataDir } from "../support/runtime-process.ts";

let folder: string;
let bottle: BottledRuntime;
const servers: RawServer[] = [];

beforeAll(async () => {
  folder = await makeDataDir();
  const trusted = join(folder, "trusted.pem");
  await writeFile(trusted, selfSigned.cert + expired.cert);
  bottle = await startBottledRuntime({ NODE_EXTRA_CA_CERTS: trusted });
  for (const name of ["receiver.test", "other.test"]) {
    bottle.names.set(name, { a: ["93.184.215.14"] });
  }
});
afterAll(async () => {
  await bottle.stop();
  await Promise.all(servers.map((server) => server.stop()));
  await removeDataDir(folder);
});

const OK = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const start = async (
  tls: TlsOptions | undefined,
  answer: (socket: Socket) => void = (socket) => socket.end(OK),
): Promise<RawServer> => {
  const server = await startRawServer(answer, tls ? { tls } : {});
  servers.push(server);
  return server;
};

/** Of two attempts, each must fail so: no answer, and another try was worth it. */
const fails = async (url: string, error: RegExp, timeout_ms = 10_000): Promise<void> => {
  const id = await bottle.api.accepted(
    jobTo(url, { retry: { schedule_ms: [100], max_attempts: 2 } }, { timeout_ms }),
  );
  await bottle.api.until(id, "dlq");
  const failed = {
    http_status: null,
    response_excerpt: null,
    error: expect.stringMatching(error) as string,
  };
  expect(await bottle.api.attempts(id)).toMatchObject([failed, failed]);
};

/** What the server was sent, once it could read it. */
const read = ({ connections }: RawServer): string =>
  connections.map(({ received }) => received()).join("");

describe("a certificate", () => {
  it("that is trusted and bears the name is taken, and the name is what is asked for", async () => {
    const server = await start(selfSigned);
    const id = await bottle.api.accepted(jobTo(`https://Receiver.test:${server.port}/`));
    await bottle.api.until(id, "success");
    expect((server.connections[0]!.socket as TLSSocket).servername).toBe("receiver.test");
    const { values } = parseRequest(server.connections[0]!.received());
    expect(values("host")).toEqual([`receiver.test:${server.port}`]);
  });

  it.concurrent.each([
    ["is over", expired, "receiver.test", /^tls: certificate has expired$/],
    ["bears another name", selfSigned, "other.test", /^tls: .*other\.test\.? is not in the cert/],
    [
      "does not bear the address",
      selfSigned,
      "93.184.215.14",
      /^tls: IP: 93\.184\.215\.14 is not in the cert/,
    ],
    ["nobody signed", untrusted, "receiver.test", /^tls: self-signed certificate$/],
  ] as const)("that %s is refused before a byte is sent", async (_, tls, host, error) => {
    const server = await start(tls);
    await fails(`https://${host}:${server.port}/`, error);
    expect(read(server)).toBe("");
  });
});

describe("a handshake", () => {
  it.concurrent("that nobody answers ends with the attempt's time", async () => {
    const server = await start(undefined);
    const url = `https://receiver.test:${server.port}/`;
    await fails(url, /^timeout: no complete answer within 300 ms$/, 300);
  });

  it.concurrent("in a version of the last century is refused", async () => {
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" } as const;
    const server = await start({ ...selfSigned, ...old });
    await fails(`https://receiver.test:${server.port}/`, /^tls: tlsv1 alert protocol version$/);
    expect(read(server)).toBe("");
  });

  it.concurrent("that wants a certificate of ours fails", async () => {
    const server = await start({ ...selfSigned, requestCert: true, rejectUnauthorized: true });
    await fails(`https://receiver.test:${server.port}/`, /^(tls|reset): /);
  });

  it.concurrent.each([
    ["closed", (socket: Socket): void => void socket.end(), /^reset: .*before secure TLS/],
    ["reset", (socket: Socket): void => void socket.resetAndDestroy(), /^reset: /],
    [
      "answered in plain HTTP",
      (socket: Socket): void => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      /^tls: .*(wrong version|packet length)/i,
    ],
    [
      "answered with an alert",
      (socket: Socket): void => void socket.end(Buffer.from("15030300020228", "hex")),
      /^tls: .*handshake failure/i,
    ],
    ["answered with noise", (socket: Socket): void => void socket.end(Buffer.alloc(500)), /^tls: /],
  ] as const)("that is %s fails, and says so", async (_, answer, error) => {
    const server = await start(undefined);
    const watch = setInterval(() => {
      for (const { socket } of server.connections) if (!socket.writableEnded) answer(socket);
    }, 5);
    try {
      await fails(`https://receiver.test:${server.port}/`, error);
    } finally {
      clearInterval(watch);
    }
  });
});

describe("plain HTTP", () => {
  it.concurrent("to a server that speaks TLS fails, and its alert is no answer", async () => {
    const server = await start(selfSigned);
    await fails(`http://receiver.test:${server.port}/`, /^(protocol|reset): /);
    expect(read(server)).toBe("");
  });
});
