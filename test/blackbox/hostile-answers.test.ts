import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { drip, parseRequest, pour, startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";

const api = apiAt(inject("baseUrl"));

type Says = (socket: Socket) => void;
const closing = (...parts: readonly (string | Buffer)[]): Says => {
  return (socket) => {
    for (const part of parts) socket.write(part);
    socket.end();
  };
};
const waiting = (said: string): Says => {
  return (socket) => void socket.write(said);
};
const resetting = (said: string): Says => {
  return (socket) => {
    if (said !== "") socket.write(said);
    // Else the reset would overtake the bytes.
    setTimeout(() => socket.resetAndDestroy(), said === "" ? 0 : 50);
  };
};
/** An answer with its headers, after which the connection ends. */
const answer = (status: number, headers: string, body: string | Buffer = ""): Says =>
  closing(`HTTP/1.1 ${status} Said\r\nconnection: close\r\n${headers}\r\n`, body);

/** A gigabyte of zeros, in a megabyte: a file of gzip may have many members. */
const bomb = Buffer.concat(Array<Buffer>(64).fill(gzipSync(Buffer.alloc(16 * 1_048_576))));

interface Failure {
  readonly error: RegExp;
  readonly status?: number;
  readonly excerpt?: string;
}
const failures: Readonly<Record<string, readonly [Says, Failure]>> = {
  "a reset instead of an answer": [resetting(""), { error: /^reset: / }],
  "a reset within the status line": [resetting("HTTP/1.1 20"), { error: /^reset: / }],
  "a reset within the headers": [resetting("HTTP/1.1 200 OK\r\nx-a:"), { error: /^reset: / }],
  "a reset after the headers": [
    resetting("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
    { error: /^reset: /, status: 200, excerpt: "" },
  ],
  "an end instead of an answer": [closing(), { error: /^reset: / }],
  "an end within the headers": [closing("HTTP/1.1 200 OK\r\nx-a: b\r\n"), { error: /^reset: / }],
  "an end within the body": [
    closing("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345"),
    { error: /^reset: .*in the middle/, status: 200, excerpt: "12345" },
  ],
  "an end within a chunk": [
    closing("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n12345"),
    { error: /^reset: .*in the middle/, status: 200, excerpt: "12345" },
  ],
  "a chunk that is none": [
    waiting("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n"),
    { error: /^protocol: .*chunk/i, status: 200 },
  ],
  "two lengths": [
    waiting("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nok"),
    { error: /^protocol: .*content-length/i },
  ],
  "a length and chunks": [
    waiting("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    { error: /^protocol: / },
  ],
  "another protocol, which nobody asked for": [
    waiting("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
    { error: /^protocol: .*another protocol/, status: 101 },
  ],
  "20 KB of headers": [
    answer(200, `x-many: ${"x".repeat(90)}\r\n`.repeat(205)),
    { error: /^protocol: .*header overflow/i },
  ],
  "a header line of 10 MB": [
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx-long: ");
      socket.write(Buffer.alloc(10 * 1_048_576, "x"));
    },
    { error: /^protocol: .*header overflow/i },
  ],
  "a header line without an end": [
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx-long: ");
      pour(socket, "x".repeat(65_536));
    },
    { error: /^protocol: .*header overflow/i },
  ],
  "a greeting of another protocol": [waiting("SSH-2.0-OpenSSH_9.9\r\n"), { error: /^protocol: / }],
  "an alert of TLS": [
    (socket) => void socket.write(Buffer.from("15030100020246", "hex")),
    { error: /^protocol: / },
  ],
  "HTTP/2": [
    (socket) => void socket.write(Buffer.from("000000040000000000", "hex")),
    { error: /^protocol: / },
  ],
  silence: [waiting(""), { error: /^timeout: no complete answer within 700 ms/ }],
  "headers that drip": [
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      drip(socket, "x-slow: 1\r\n");
    },
    { error: /^timeout: / },
  ],
  "a body that drips": [
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      drip(socket, "\u0007");
    },
    { error: /^timeout: /, status: 200 },
  ],
  "interim answers without an end, fast": [
    (socket) => pour(socket, "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1_000)),
    { error: /^protocol: more than 100 interim answers/ },
  ],
  "interim answers without an end": [
    (socket) => drip(socket, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
    { error: /^timeout: / },
  ],
  "304 with a body": [answer(304, "content-length: 5\r\n", "hello"), failed(304, "")],
  "a gigabyte of zeros, compressed": [answer(500, "content-encoding: gzip\r\n", bomb), failed(500)],
  "a long character at the edge": [
    answer(500, "", `${"a".repeat(255)}\u{1F600}and more`),
    failed(500, `${"a".repeat(255)}\u{1F600}`),
  ],
  "half a character at its end": [
    answer(500, "", Buffer.from("6ff09f98", "hex")),
    failed(500, "o\ufffd"),
  ],
  "NUL and other controls": [
    answer(500, "", "a\u0000b\r\n\u001b"),
    failed(500, "a\\u0000b\\u000d\\u000a\\u001b"),
  ],
  Latin1: [answer(500, "", Buffer.from("caf\u00e9!", "latin1")), failed(500, "caf\ufffd!")],
};

const successes: Readonly<Record<string, Says>> = {
  "interim answers before the answer": closing(
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(20),
    "HTTP/1.1 201 Made\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
  ),
  "204 with a body": answer(204, "content-length: 5\r\n", "hello"),
  "a body without a length, until the end": closing("HTTP/1.1 200 OK\r\n\r\nok"),
  "HTTP/1.0": closing("HTTP/1.0 200 OK\r\n\r\nok"),
  "an end of its own half only, after the answer": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    socket.end();
    socket.resume();
  },
  "chunks with trailers": answer(
    200,
    "transfer-encoding: chunked\r\n",
    "2;ext=1\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n",
  ),
  "bytes beyond its end": answer(200, "content-length: 2\r\n", "ok and more"),
  "15 KB of headers, in three thousand lines": answer(200, "a:b\r\n".repeat(3_000)),
  "a body without an end, fast": (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    pour(socket, Buffer.alloc(65_536));
  },
  "a gigabyte of zeros, compressed": answer(200, "content-encoding: gzip\r\n", bomb),
  "a coding that nobody knows": answer(200, "content-encoding: what\r\n", "no"),
};

let server: RawServer;
/** How each case is answered, by its path; a second attempt is always answered well. */
const cases = new Map(
  [...Object.values(failures).map(([says]) => says), ...Object.values(successes)].map(
    (says, index) => [`/${index}` as string, says] as const,
  ),
);
const pathOf = (says: Says) => [...cases].find(([, one]) => one === says)?.[0];

beforeAll(async () => {
  server = await startRawServer((socket, request) => {
    const { requestLine, values } = parseRequest(request);
    const isFirst = values("x-pulsegate-attempt").join() === "1";
    const says = isFirst ? cases.get(requestLine.split(" ")[1] ?? "") : undefined;
    (says ?? answer(200, "content-length: 0\r\n"))(socket);
  });
});
afterAll(() => server.stop());

const posted = (url: string, timeout_ms = 20_000) =>
  api.accepted(
    jobTo(url, { retry: { schedule_ms: [100], max_attempts: 2 } }, { method: "PUT", timeout_ms }),
  );

describe("an attempt fails, says why, and is made again after", () => {
  it.concurrent.each(Object.entries(failures))("%s", async (_, [says, failure]) => {
    const isSlow = failure.error.source.startsWith("^timeout");
    const id = await posted(`${server.url}${pathOf(says)}`, isSlow ? 700 : undefined);
    await api.until(id, "success");
    const [first, second] = await api.attempts(id);
    expect(first).toMatchObject({
      n: 1,
      status: "failed",
      http_status: failure.status ?? null,
      error: expect.stringMatching(failure.error) as string,
    });
    if (failure.excerpt !== undefined) expect(first?.response_excerpt).toBe(failure.excerpt);
    if (failure.status === undefined) expect(first?.response_excerpt).toBeNull();
    const excerpt = first?.response_excerpt ?? "";
    expect(excerpt.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(1_024);
    expect(second).toMatchObject({ n: 2, status: "success", http_status: 200, error: null });
  });
});

describe("an attempt succeeds with", () => {
  it.concurrent.each(Object.entries(successes))("%s", async (_, says) => {
    const id = await posted(`${server.url}${pathOf(says)}`);
    expect(await api.until(id, "success")).toMatchObject({ attempts: 1, last_error: null });
  });
});

function failed(status: number, excerpt?: string): Failure {
  return { error: /^http_status: /, status, ...(excerpt !== undefined && { excerpt }) };
}
