import type { LookupAddress } from "node:dns";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Resolve } from "../../lambdas/adapters/http/safe-lookup.ts";
import { makeHttpTransport } from "../../lambdas/adapters/http/transport.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";
import { parseRequest, startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";

/** Listens where nobody may be sent to: on loopback. */
let server: RawServer;
beforeEach(async () => {
  server = await startRawServer((socket) =>
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
  );
});
afterEach(() => server.stop());

/** What becomes of a request to this host, at the server's port. */
const sendTo = (host: string, allow: string, resolve?: Resolve, scheme = "http") =>
  makeHttpTransport(
    parseAllowList(allow),
    resolve,
  )({
    url: `${scheme}://${host}:${server.port}/hook`,
    method: "POST",
    headers: [],
    body: null,
    timeoutMs: 5_000,
  });

const answered = { kind: "answered", status: 200 };
const forbidden = {
  kind: "broken",
  code: "forbidden_destination",
  text: expect.stringMatching(/private, loopback or otherwise reserved/) as string,
  status: null,
};

/** Who knows nobody fails as the system's resolver does. */
const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });

/** A resolver that gives these answers, one look-up after the other, and counts them. */
const resolverOf = (...answers: readonly (readonly string[])[]) => {
  const asked: string[] = [];
  const resolve: Resolve = (name, _, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(name);
    const found = addresses.map((address): LookupAddress => ({
      address,
      family: address.includes(":") ? 6 : 4,
    }));
    setImmediate(() => (found.length > 0 ? callback(null, found) : callback(unknown, [])));
  };
  return { resolve, asked };
};

describe("an address that nobody may be sent to", () => {
  it.each([
    "127.0.0.1",
    "127.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "2130706433",
    "%31%32%37.0.0.1",
    "127。0。0。1",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "10.0.0.1",
    "169.254.169.254",
    "192.168.0.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
  ])("is refused before anything connects: %s", async (host) => {
    const { resolve, asked } = resolverOf(["127.0.0.1"]);
    for (const scheme of ["http", "https"]) {
      expect(await sendTo(host, "", resolve, scheme)).toMatchObject(forbidden);
    }
    expect(asked).toEqual([]);
    expect(server.connections).toHaveLength(0);
  });

  it("is refused where another one is allowed", async () => {
    expect(await sendTo("127.0.0.1", "127.0.0.2/32")).toMatchObject(forbidden);
    expect(await sendTo("127.0.0.1", "::1/128")).toMatchObject(forbidden);
    expect(server.connections).toHaveLength(0);
  });

  it("is reached where its range is allowed, in every notation", async () => {
    for (const host of ["127.0.0.1", "2130706433", "127.1"]) {
      expect(await sendTo(host, "127.0.0.0/8")).toMatchObject(answered);
    }
    expect(server.connections).toHaveLength(3);
  });
});

describe("a localhost name", () => {
  it.each(["localhost", "LOCALHOST", "localhost.", "a.localhost", "a.b.localhost"])(
    "is refused unless loopback is allowed, and is not even looked up: %s",
    async (host) => {
      const { resolve, asked } = resolverOf(["93.184.215.14"]);
      expect(await sendTo(host, "", resolve)).toMatchObject(forbidden);
      expect(await sendTo(host, "10.0.0.0/8", resolve)).toMatchObject(forbidden);
      expect(asked).toEqual([]);
      expect(server.connections).toHaveLength(0);
    },
  );

  it("is reached where loopback is allowed", async () => {
    expect(await sendTo("localhost", "127.0.0.0/8,::1/128")).toMatchObject(answered);
    expect(server.connections).toHaveLength(1);
  });

  it("is the loopback's, whatever a resolver says, and only as far as it is allowed", async () => {
    const { resolve, asked } = resolverOf(["10.0.0.1"]);
    for (const host of ["localhost", "a.localhost", "LOCALHOST."]) {
      expect(await sendTo(host, "127.0.0.0/8,::1/128", resolve)).toMatchObject(answered);
    }
    expect(asked).toEqual([]);
    expect(server.connections).toHaveLength(3);
    // The server listens at 127.0.0.1 alone.
    expect(await sendTo("localhost", "::1/128", resolve)).toMatchObject({ kind: "broken" });
    expect(server.connections).toHaveLength(3);
  });
});

describe("a name", () => {
  it.each([
    ["loopback", ["127.0.0.1"]],
    ["a private network", ["10.0.0.1"]],
    ["the cloud's metadata", ["169.254.169.254"]],
    ["IPv4 inside IPv6", ["::ffff:10.0.0.1"]],
    ["IPv6 loopback", ["::1"]],
    ["a public and a private address", ["93.184.215.14", "127.0.0.1"]],
    ["a private and a public address", ["127.0.0.1", "93.184.215.14"]],
  ])("that leads to %s is refused, and nothing connects", async (_, addresses) => {
    const { resolve, asked } = resolverOf(addresses);
    expect(await sendTo("receiver.test", "", resolve)).toMatchObject(forbidden);
    expect(await sendTo("receiver.test", "", resolve, "https")).toMatchObject(forbidden);
    expect(asked).toEqual(["receiver.test", "receiver.test"]);
    expect(server.connections).toHaveLength(0);
  });

  it("is refused if only some of its addresses are allowed", async () => {
    const { resolve } = resolverOf(["127.0.0.1", "10.0.0.1"]);
    expect(await sendTo("receiver.test", "127.0.0.0/8", resolve)).toMatchObject(forbidden);
    expect(server.connections).toHaveLength(0);
  });

  it("is called by its own name at the address that was checked", async () => {
    const { resolve } = resolverOf(["127.0.0.1"]);
    expect(await sendTo("Receiver.TEST", "127.0.0.0/8", resolve)).toMatchObject(answered);
    const { values } = parseRequest(server.connections[0]!.received());
    expect(values("host")).toEqual([`receiver.test:${server.port}`]);
  });

  it("is looked up once an attempt, so that what was checked is what is connected to", async () => {
    const { resolve, asked } = resolverOf(["127.0.0.1"], ["10.0.0.1"]);
    expect(await sendTo("receiver.test", "127.0.0.0/8", resolve)).toMatchObject(answered);
    expect(asked).toHaveLength(1);
    expect(await sendTo("receiver.test", "127.0.0.0/8", resolve)).toMatchObject(forbidden);
    expect(asked).toHaveLength(2);
    expect(server.connections).toHaveLength(1);
  });

  it("that is unknown now is no forbidden one", async () => {
    const { resolve } = resolverOf([], ["127.0.0.1"]);
    expect(await sendTo("receiver.test", "127.0.0.0/8", resolve)).toMatchObject({
      kind: "broken",
      code: "dns",
    });
    expect(await sendTo("receiver.test", "127.0.0.0/8", resolve)).toMatchObject(answered);
  });
});

describe("a host that is allowed by name", () => {
  it.each(["receiver.test", "RECEIVER.test", "receiver.test."])(
    "is reached wherever it leads: %s",
    async (host) => {
      const { resolve } = resolverOf(["127.0.0.1"]);
      expect(await sendTo(host, "Receiver.test", resolve)).toMatchObject(answered);
      expect(server.connections).toHaveLength(1);
    },
  );

  it("opens neither its address nor another name to others", async () => {
    const { resolve } = resolverOf(["127.0.0.1"]);
    for (const host of ["127.0.0.1", "other.test", "a.receiver.test", "receiver.test.evil.test"]) {
      expect(await sendTo(host, "receiver.test", resolve)).toMatchObject(forbidden);
    }
    expect(server.connections).toHaveLength(0);
  });

  it("may be localhost", async () => {
    expect(await sendTo("localhost", "localhost")).toMatchObject(answered);
    expect(await sendTo("127.0.0.1", "localhost")).toMatchObject(forbidden);
    expect(server.connections).toHaveLength(1);
  });
});
