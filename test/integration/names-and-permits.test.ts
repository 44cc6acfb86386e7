import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobTo } from "../support/api.ts";
import { startBottledRuntime } from "../support/bottled-runtime.ts";
import type { BottledRuntime } from "../support/bottled-runtime.ts";
import type { Answers } from "../support/name-server.ts";
import { parseRequest, startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";

/** The controls to the hostile destinations: what may be reached is, and trouble is only trouble. */
let receiver: RawServer;
let bottle: BottledRuntime;

beforeAll(async () => {
  receiver = await startRawServer((socket) =>
    socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
  );
  bottle = await startBottledRuntime({
    DESTINATION_ALLOW: "allowed.test,10.9.0.0/16,192.168.7.7,fd99::/16",
  });
});
afterAll(() => Promise.all([bottle.stop(), receiver.stop()]));

const PUBLIC = "93.184.215.14";
const PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c";

describe("a destination that may be reached is", () => {
  /** Its host as sent, what its name leads to, and what is connected to and named to the receiver. */
  const good: readonly (readonly [host: string, Answers | null, address: string, named: string])[] =
    [
      ["public.test", { a: [PUBLIC] }, PUBLIC, "public.test"],
      ["public-v6.test", { aaaa: [PUBLIC_V6] }, PUBLIC_V6, "public-v6.test"],
      ["alias.test", { cname: "receiver.test", a: [PUBLIC] }, PUBLIC, "alias.test"],
      ["bücher.test", { a: [PUBLIC] }, PUBLIC, "xn--bcher-kva.test"],
      ["xn--bcher-kva.test", { a: [PUBLIC] }, PUBLIC, "xn--bcher-kva.test"],
      ["例え.test", { a: [PUBLIC] }, PUBLIC, "xn--r8jz45g.test"],
      ["Public.TEST", { a: [PUBLIC] }, PUBLIC, "public.test"],
      ["10.0.0.1.nip.test", { a: [PUBLIC] }, PUBLIC, "10.0.0.1.nip.test"],
      ["localhost.test", { a: [PUBLIC] }, PUBLIC, "localhost.test"],
      [PUBLIC, null, PUBLIC, PUBLIC],
      ["0x5db8d70e", null, PUBLIC, PUBLIC],
      [`[${PUBLIC_V6}]`, null, PUBLIC_V6, `[${PUBLIC_V6}]`],
      ["[2002:5db8:d70e::1]", null, "2002:5db8:d70e::1", "[2002:5db8:d70e::1]"],
      ["[64:ff9b::5db8:d70e]", null, "64:ff9b::5db8:d70e", "[64:ff9b::5db8:d70e]"],
      ["allowed.test", { a: ["10.0.0.1"] }, "10.0.0.1", "allowed.test"],
      ["ALLOWED.test.", { a: ["10.0.0.1"] }, "10.0.0.1", "allowed.test."],
      ["in-range.test", { a: ["10.9.255.255"] }, "10.9.255.255", "in-range.test"],
      ["10.9.0.1", null, "10.9.0.1", "10.9.0.1"],
      ["0x0a.9.1", null, "10.9.0.1", "10.9.0.1"],
      ["[::ffff:10.9.0.1]", null, "::ffff:a09:1", "[::ffff:a09:1]"],
      ["192.168.7.7", null, "192.168.7.7", "192.168.7.7"],
      ["[fd99::1]", null, "fd99::1", "[fd99::1]"],
    ];
  it.each(good)("%s", async (host, answers, address, named) => {
    if (answers) bottle.names.set(new URL(`http://${host}`).hostname.replace(/\.$/, ""), answers);
    const url = `http://${host}:${receiver.port}/ä?q=ö#@127.0.0.1/part`;
    const before = receiver.connections.length;
    const id = await bottle.api.accepted(jobTo(url));
    const job = await bottle.api.until(id, "success");
    expect(job["destination"]).toEqual({ url, method: "POST" });
    expect(bottle.connectionsTo(receiver.port).slice(before)).toEqual([address]);
    const { requestLine, values } = parseRequest(receiver.connections[before]!.received());
    expect(requestLine).toBe("POST /%C3%A4?q=%C3%B6 HTTP/1.1");
    expect(values("host")).toEqual([`${named}:${receiver.port}`]);
  });
});

describe("a name that cannot be looked up now", () => {
  const trouble: readonly (readonly [Answers, string])[] = [
    ["NXDOMAIN", "ENOTFOUND"],
    ["SERVFAIL", "EAI_AGAIN"],
    ["REFUSED", "EAI_AGAIN"],
    ["silence", "EAI_AGAIN"],
    ["noise", "EAI_AGAIN"],
    [{}, "ENOTFOUND"],
  ];
  it.concurrent.each(trouble)(
    "is tried again, and reached once it can: %j",
    async (answers, code) => {
      const name = `trouble-${trouble.findIndex(([one]) => one === answers)}.test`;
      bottle.names.set(name, answers, { a: [PUBLIC] });
      const id = await bottle.api.accepted(
        jobTo(`http://${name}:${receiver.port}/`, {
          retry: { schedule_ms: [100], max_attempts: 2 },
        }),
      );
      await bottle.api.until(id, "success");
      expect(await bottle.api.attempts(id)).toMatchObject([
        { n: 1, status: "failed", http_status: null, error: `dns: getaddrinfo ${code} ${name}` },
        { n: 2, status: "success" },
      ]);
    },
  );

  it("in the time that the attempt has, says that there was no time", async () => {
    bottle.names.set("slow.test", "silence");
    const id = await bottle.api.accepted(
      jobTo("http://slow.test/", { retry: { max_attempts: 1 } }, { timeout_ms: 200 }),
    );
    const job = await bottle.api.until(id, "dlq");
    expect(job.last_error).toBe("timeout: no complete answer within 200 ms");
  });

  it.each([
    ["a label of 64 letters", `${"a".repeat(64)}.test`],
    ["260 letters", `${"abcdefgh.".repeat(29)}test`],
    ["nothing between two dots", "a..test"],
    ["two dots at its end", "localhost.."],
    ["an address and two dots", "127.0.0.1.."],
    ["nothing but a dot", "."],
  ])("since no name has %s, fails at DNS", async (_, name) => {
    const id = await bottle.api.accepted(
      jobTo(`http://${name}:${receiver.port}/`, { retry: { max_attempts: 1 } }),
    );
    const job = await bottle.api.until(id, "dlq");
    expect(job.last_error).toMatch(/^dns: /);
  });
});
