import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobTo } from "../support/api.ts";
import { startBottledRuntime } from "../support/bottled-runtime.ts";
import type { BottledRuntime } from "../support/bottled-runtime.ts";
import type { Answers } from "../support/name-server.ts";
import { startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";

/**
 * Names that a sender has under control, at a name server under his control. Whatever the runtime
 * would connect to outside of this machine leads to this server, which notices any connection.
 */
let inside: RawServer;
let bottle: BottledRuntime;

beforeAll(async () => {
  inside = await startRawServer((socket) =>
    socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
  );
  bottle = await startBottledRuntime({ DESTINATION_ALLOW: "allowed.test,10.9.0.0/16" });
});
afterAll(() => Promise.all([bottle.stop(), inside.stop()]));

const PUBLIC = "93.184.215.14";
const PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c";
const cnameTo = (cname: string, ...a: string[]): Answers => ({ cname, a });

const hostile: readonly (readonly [name: string, answers: Answers, spelling?: string])[] = [
  ["loopback.test", { a: ["127.0.0.1"] }],
  ["loopback-net.test", { a: ["127.8.8.8"] }],
  ["this-host.test", { a: ["0.0.0.0"] }],
  ["private-a.test", { a: ["10.0.0.1"] }],
  ["private-b.test", { a: ["172.31.255.255"] }],
  ["private-c.test", { a: ["192.168.1.1"] }],
  ["almost-allowed.test", { a: ["10.10.0.1"] }],
  ["metadata.test", { a: ["169.254.169.254"] }],
  ["metadata-v6.test", { aaaa: ["fd00:ec2::254"] }],
  ["metadata.google.internal", { a: ["169.254.169.254"] }],
  ["shared.test", { a: ["100.64.0.1"] }],
  ["benchmark.test", { a: ["198.18.0.1"] }],
  ["documentation.test", { a: ["203.0.113.7"] }],
  ["multicast.test", { a: ["224.0.0.1"] }],
  ["broadcast.test", { a: ["255.255.255.255"] }],
  ["loopback-v6.test", { aaaa: ["::1"] }],
  ["unspecified-v6.test", { aaaa: ["::"] }],
  ["mapped.test", { aaaa: ["::ffff:10.0.0.1"] }],
  ["mapped-loopback.test", { aaaa: ["::ffff:7f00:1"] }],
  ["compatible.test", { aaaa: ["::7f00:1"] }],
  ["nat64.test", { aaaa: ["64:ff9b::a9fe:a9fe"] }],
  ["local-nat64.test", { aaaa: ["64:ff9b:1::a00:1"] }],
  ["6to4.test", { aaaa: ["2002:a00:1::1"] }],
  ["teredo.test", { aaaa: ["2001:0:4136:e378:8000:63bf:3fff:fdd2"] }],
  ["link-local.test", { aaaa: ["fe80::1"] }],
  ["site-local.test", { aaaa: ["fec0::1"] }],
  ["unique-local.test", { aaaa: ["fd12:3456::1"] }],
  ["multicast-v6.test", { aaaa: ["ff02::1"] }],
  ["documentation-v6.test", { aaaa: ["2001:db8::1"] }],
  ["public-first.test", { a: [PUBLIC, "127.0.0.1"] }],
  ["public-last.test", { a: ["10.0.0.1", PUBLIC] }],
  ["one-of-many.test", { a: [...Array.from({ length: 20 }, (_, n) => `8.8.4.${n}`), "10.0.0.1"] }],
  ["public-v4.test", { a: [PUBLIC], aaaa: ["::1"] }],
  ["public-v6.test", { a: ["192.168.0.1"], aaaa: [PUBLIC_V6] }],
  ["alias.test", cnameTo("localhost", "127.0.0.1")],
  ["alias-inside.test", cnameTo("db.internal", "10.0.0.7")],
  ["a.wildcard.test", { a: ["127.0.0.1"] }],
  ["127.0.0.1.nip.test", { a: ["127.0.0.1"] }],
  ["0x7f000001.test", { a: ["127.0.0.1"] }],
  ["localhost.localdomain", { a: ["127.0.0.1"] }],
  ["localhost.test", { a: ["127.0.0.1"] }],
  ["notlocalhost", { a: ["127.0.0.1"] }],
  ["ip6-localhost", { aaaa: ["::1"] }],
  ["kubernetes.default.svc", { a: ["10.96.0.1"] }],
  ["host.docker.internal", { a: ["192.168.65.254"] }],
  ["upper.test", { a: ["127.0.0.1"] }, "UPPER.Test"],
  ["dotted.test", { a: ["127.0.0.1"] }, "dotted.test."],
  ["escaped.test", { a: ["127.0.0.1"] }, "%65scaped%2Etest"],
  ["wide.test", { a: ["127.0.0.1"] }, "ｗｉｄｅ。test"],
  ["xn--bse-sna.test", { a: ["127.0.0.1"] }, "böse.test"],
  ["b.allowed.test", { a: ["127.0.0.1"] }],
  ["allowed.test.evil.test", { a: ["127.0.0.1"] }],
];

describe("a name that leads inside", () => {
  const rows = hostile.map(([name, answers, host = name]) => ({ name, answers, host }));
  it.concurrent.each(rows)("fails, and for good: $host", async ({ name, answers, host }) => {
    bottle.names.set(name, answers);
    const urls = ["http", "https"].map((scheme) => `${scheme}://${host}`);
    const ids = await Promise.all(
      urls.map((url) => bottle.api.accepted(jobTo(`${url}:${inside.port}/hook`))),
    );
    for (const id of ids) {
      const job = await bottle.api.until(id, "failed");
      expect(job).toMatchObject({ attempts: 1, next_attempt_at: null });
      expect(job.last_error).toMatch(
        /^forbidden_destination: a private, loopback or otherwise reserved address/,
      );
      expect(await bottle.api.attempts(id)).toMatchObject([{ n: 1, http_status: null }]);
    }
    expect(bottle.names.asked).toContain(`${name} a`);
    expect(bottle.names.asked).toContain(`${name} aaaa`);
  });

  it("has led nowhere", () => {
    expect(inside.connections).toHaveLength(0);
    expect(bottle.connectionsTo(inside.port)).toEqual([]);
    expect(bottle.connectionsOutside()).toEqual([]);
  });
});

describe("a name that leads elsewhere at its next look-up", () => {
  it("is looked up once an attempt, and that address is the one that is connected to", async () => {
    bottle.names.set("rebinding.test", { a: [PUBLIC] }, { a: ["127.0.0.1"] });
    const outside = await startRawServer((socket) =>
      socket.end("HTTP/1.1 500 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
    );
    try {
      const url = `http://rebinding.test:${outside.port}/`;
      const id = await bottle.api.accepted(jobTo(url, { retry: { schedule_ms: [100, 100] } }));
      await bottle.api.until(id, "failed");
      expect(await bottle.api.attempts(id)).toMatchObject([
        { n: 1, http_status: 500, error: expect.stringMatching(/^http_status: /) as string },
        { n: 2, error: expect.stringMatching(/^forbidden_destination: /) as string },
      ]);
      expect(bottle.connectionsTo(outside.port)).toEqual([PUBLIC]);
      const asked = bottle.names.asked.filter((one) => one === "rebinding.test a");
      expect(asked).toHaveLength(2);
    } finally {
      await outside.stop();
    }
  });
});

describe("a redirect", () => {
  it.concurrent.each([301, 302, 303, 307, 308])(
    "by %i is not followed, wherever it leads",
    async (status) => {
      bottle.names.set("redirects.test", { a: [PUBLIC] });
      const ways = [
        "http://169.254.169.254/latest/meta-data/",
        `http://127.0.0.1:${inside.port}/`,
        `//localhost:${inside.port}/`,
        "/again",
        "file:///etc/passwd",
      ];
      const outside = await startRawServer((socket, request) => {
        const way = ways[Number(/^POST \/(\d)/.exec(request)?.[1])];
        socket.end(
          `HTTP/1.1 ${status} Go\r\nlocation: ${way}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
        );
      });
      try {
        const ids = await Promise.all(
          ways.map((_, index) =>
            bottle.api.accepted(
              jobTo(`http://redirects.test:${outside.port}/${index}`, {
                retry: { schedule_ms: [100], max_attempts: 2 },
              }),
            ),
          ),
        );
        for (const id of ids) {
          const job = await bottle.api.until(id, "dlq");
          expect(job.last_error).toBe(`http_status: the destination answered ${status}`);
          expect(await bottle.api.attempts(id)).toMatchObject([
            { n: 1, http_status: status },
            { n: 2, http_status: status },
          ]);
        }
        expect(outside.connections).toHaveLength(2 * ways.length);
        expect(bottle.connectionsTo(outside.port)).toEqual(Array(2 * ways.length).fill(PUBLIC));
        expect(inside.connections).toHaveLength(0);
        expect(bottle.connectionsTo(80)).toEqual([]);
      } finally {
        await outside.stop();
      }
    },
  );
});
