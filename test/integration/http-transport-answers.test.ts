import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { keepConnections } from "../../lambdas/adapters/http/kept-connections.ts";
import { makeHttpTransport } from "../../lambdas/adapters/http/transport.ts";
import type { HttpAnswer } from "../../lambdas/channels/channel.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";
import { startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";

const kept = keepConnections();
const send = makeHttpTransport(parseAllowList("127.0.0.0/8"), undefined, kept);

const servers: RawServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

/** What becomes of a request whose server says these bytes, and then waits, or closes, or resets. */
const answerTo = async (
  says: string | readonly (string | Buffer)[],
  then: "waits" | "closes" | "resets" = "closes",
): Promise<HttpAnswer> => {
  const server = await startRawServer((socket) => {
    for (const part of [says].flat()) socket.write(part);
    if (then === "closes") socket.end();
    // Else the reset would overtake the bytes.
    if (then === "resets") setTimeout(() => socket.resetAndDestroy(), 50);
  });
  servers.push(server);
  const answer = await send({
    url: `${server.url}/hook`,
    method: "POST",
    headers: [],
    body: Buffer.from("{}"),
    timeoutMs: 5_000,
  });
  // Whatever it said, nobody keeps talking to it, once what is idle is let go.
  kept.close();
  expect(server.connections).toHaveLength(1);
  await server.connections[0]!.closed;
  return answer;
};

const bodyOf = ({ body }: HttpAnswer): string => Buffer.from(body).toString("latin1");

describe("an answer", () => {
  it.each([
    ["by its length", "content-length: 2\r\n\r\nok", "waits"],
    ["by its chunks", "transfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "waits"],
    ["by the end of the connection", "\r\nok", "closes"],
  ] as const)("ends %s", async (_, rest, then) => {
    const answer = await answerTo(`HTTP/1.1 200 OK\r\n${rest}`, then);
    expect(answer).toMatchObject({ kind: "answered", status: 200 });
    expect(bodyOf(answer)).toBe("ok");
  });

  it("of HTTP/1.0 counts", async () => {
    const answer = await answerTo("HTTP/1.0 200 OK\r\n\r\nok");
    expect(answer).toMatchObject({ kind: "answered", status: 200 });
    expect(bodyOf(answer)).toBe("ok");
  });

  it("loses nothing by bytes that follow its end", async () => {
    const first = "HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno";
    for (const more of ["more", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "\u0000"]) {
      const answer = await answerTo(`${first}${more}`, "waits");
      expect(answer).toMatchObject({ kind: "answered", status: 500 });
      expect(bodyOf(answer)).toBe("no");
    }
  });

  it.each([204, 304])("with status %i has no body, whatever follows", async (status) => {
    for (const rest of ["", "content-length: 5\r\n", "transfer-encoding: chunked\r\n"]) {
      for (const after of ["", "hello"]) {
        const answer = await answerTo(`HTTP/1.1 ${status} No\r\n${rest}\r\n${after}`, "waits");
        expect(answer).toMatchObject({ kind: "answered", status });
        expect(bodyOf(answer)).toBe("");
      }
    }
  });

  it.each([301, 302, 303, 307, 308])("with status %i is one, not a way to go", async (status) => {
    const answer = await answerTo(
      `HTTP/1.1 ${status} Elsewhere\r\nlocation: /elsewhere\r\ncontent-length: 2\r\n\r\ngo`,
      "waits",
    );
    expect(answer).toMatchObject({ kind: "answered", status });
    expect(bodyOf(answer)).toBe("go");
  });

  it("that is compressed is kept as it came", async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    expect(bomb.length).toBeLessThan(65_536);
    const answer = await answerTo([
      `HTTP/1.1 500 No\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`,
      bomb,
    ]);
    expect(answer).toMatchObject({ kind: "answered", status: 500 });
    expect(Buffer.from(answer.body)).toEqual(bomb);
  });

  it("is asked for its headers in small letters, and the first line of a name counts", async () => {
    const answer = await answerTo(
      "HTTP/1.1 503 No\r\nRetry-After: 7\r\nX-Many: a\r\nretry-after: 9\r\nx-many: b\r\ncontent-length: 0\r\n\r\n",
    );
    if (answer.kind !== "answered") throw new Error(answer.text);
    expect(answer.header("retry-after")).toBe("7");
    expect(answer.header("x-many")).toBe("a");
    expect(answer.header("x-none")).toBeUndefined();
    expect(answer.header("constructor")).toBeUndefined();
  });
});

describe("what comes before an answer", () => {
  it.each([
    ["100 Continue", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["102 Processing", "HTTP/1.1 102 Processing\r\n\r\n"],
    ["103 Early Hints", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"],
    ["many of them", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n".repeat(50)],
  ])("is skipped: %s", async (_, interim) => {
    const answer = await answerTo([interim, "HTTP/1.1 201 Made\r\ncontent-length: 2\r\n\r\nok"]);
    expect(answer).toMatchObject({ kind: "answered", status: 201 });
    expect(bodyOf(answer)).toBe("ok");
  });

  it("is skipped also when it comes in pieces", async () => {
    const pieces = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const answer = await answerTo(pieces.split(""), "waits");
    expect(answer).toMatchObject({ kind: "answered", status: 200 });
  });

  it("is a failure if it goes on and on", async () => {
    const interim = "HTTP/1.1 103 Hints\r\n\r\n".repeat(101);
    const answer = await answerTo([interim, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]);
    expect(answer).toMatchObject({ kind: "broken", code: "protocol", status: null });
    expect(answer).toHaveProperty("text", expect.stringMatching(/100 interim answers/));
  });

  it.each([
    ["and says to which", "connection: upgrade\r\nupgrade: websocket\r\n"],
    ["and does not say to which", ""],
  ])("is a failure if it switches protocols %s", async (_, headers) => {
    const answer = await answerTo(`HTTP/1.1 101 Switching\r\n${headers}\r\n`, "waits");
    expect(answer).toMatchObject({ kind: "broken", code: "protocol", status: 101 });
    expect(answer).toHaveProperty("text", expect.stringMatching(/another protocol/));
  });
});

describe("a broken end", () => {
  it.each([
    ["of a length that was not kept", "content-length: 10\r\n\r\n12345", "closes"],
    ["of a length, by reset", "content-length: 10\r\n\r\n12345", "resets"],
    ["with a promise to close", "connection: close\r\ncontent-length: 10\r\n\r\n12345", "closes"],
    ["in a chunk", "transfer-encoding: chunked\r\n\r\na\r\n12345", "closes"],
    ["between chunks", "transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n", "closes"],
    ["by reset, of a body without a length", "\r\n12345", "resets"],
  ] as const)("keeps status and beginning: %s", async (_, rest, then) => {
    const answer = await answerTo(`HTTP/1.1 200 OK\r\n${rest}`, then);
    expect(answer).toMatchObject({ kind: "broken", code: "reset", status: 200 });
    expect(answer).toHaveProperty("text", expect.stringMatching(/./));
    expect(bodyOf(answer)).toBe("12345");
  });

  it("keeps status and beginning where a chunk is none", async () => {
    const answer = await answerTo(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n",
      "waits",
    );
    expect(answer).toMatchObject({ kind: "broken", code: "protocol", status: 200 });
  });
});

describe("bytes that are no HTTP", () => {
  it.each([
    ["another protocol's greeting", "SSH-2.0-OpenSSH_9.9\r\n"],
    ["another version", "HTTP/2 200 OK\r\n\r\n"],
    ["a status that is no number", "HTTP/1.1 abc OK\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"],
    ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
    ["noise", Buffer.alloc(100_000, 0xff).toString("latin1")],
  ])("are a failure: %s", async (_, says) => {
    const answer = await answerTo([Buffer.from(says, "latin1")], "waits");
    expect(answer).toMatchObject({ kind: "broken", code: "protocol", status: null });
    expect(answer).toHaveProperty("text", expect.stringMatching(/./));
  });
});
