import { describe, expect, it } from "vitest";
import { parseAllowList } from "../../../lambdas/core/rules/destination-policy.ts";
import { webhookDestination } from "../../../lambdas/channels/webhook-destination.ts";
import { parseDestination, parseText } from "../support/job-requests.ts";
import { refusalOf } from "../support/refusal.ts";

const refusedAt = (destination: object) => refusalOf(() => parseDestination(destination)).where;
const headersOf = (headers: object) => parseDestination({ headers }).request.content.headers;

describe("a destination's URL", () => {
  const ofLength = (length: number) => "https://receiver.example/".padEnd(length, "a");

  it.each([
    "https://receiver.example",
    "http://receiver.example:1/a?b=c&d=%20#fragment",
    "HTTP://Receiver.EXAMPLE/",
    "https://receiver.example:65535/",
    "https://bücher.example/ä?q=ö",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]:8443/",
    "https://receiver.example/a@b:c",
    "https://receiver.example/?u=https://a@b/",
    ofLength(2_048),
    `https://receiver.example/${"\u{1F600}".repeat(2_023)}`,
  ])("is kept as it was sent: %s", (url) => {
    expect(parseDestination({ url }).request.destination.url).toBe(url);
  });

  it.each([
    "http://exa\nmple.com/",
    "http://exa\tmple.com/",
    "http://receiver.example/a\u0000",
    "http://receiver.example/a\u007f",
    "http://receiver.example/a\u0085b",
    "http://receiver.example/a b",
    "http://receiver.example/a\u00a0b",
    "http://receiver.example/a\u3000b",
    " http://receiver.example",
    "http://receiver.example ",
    "http:/receiver.example",
    "http:receiver.example",
    "http:\\\\receiver.example\\a",
    "http://receiver.example\\a",
    "http://receiver.example/\\a",
    "//receiver.example/",
    "receiver.example",
    "ftp://receiver.example/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://u@receiver.example/",
    "https://u:p@receiver.example/",
    "https://:@receiver.example/",
    "http://@receiver.example/",
    "http://receiver.example:0/",
    "http://receiver.example:00/",
    "http://receiver.example:65536/",
    "http://receiver.example:-1/",
    "http://receiver.example:a/",
    "http://",
    "http:///a",
    "http://?a",
    "http://#a",
    "http://:80/",
    "http://[::1/",
    "http://[gg::]/",
    "http://a%00b/",
    "http://a%2fb/",
    "http://a|b/",
    "http://999.999.999.999/",
    "",
    ofLength(2_049),
    1,
    null,
    ["https://receiver.example/"],
  ])("is refused: %j", (url) => {
    // U+0000 is refused both as text and as a URL's character.
    expect(new Set(refusedAt({ url }))).toEqual(new Set(["/destination/url"]));
  });

  it.each([
    "http://127.0.0.1/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://10.0.0.1:8080/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://localhost:3000/",
    "http://a.localhost./",
  ])("is refused where it says itself that it leads inside: %s", (url) => {
    expect(refusedAt({ url })).toEqual(["/destination/url"]);
  });

  it("may lead to what the allow list permits", () => {
    const schema = webhookDestination(parseAllowList("127.0.0.0/8,receiver.internal"));
    for (const url of [
      "http://127.0.0.1:9000/hook",
      "http://localhost:9000/",
      "http://receiver.internal/",
    ]) {
      expect(schema.parse({ url }).destination.url).toBe(url);
    }
    expect(schema.safeParse({ url: "http://10.0.0.1/" }).success).toBe(false);
  });
});

describe("a destination's method and time limit", () => {
  it.each(["POST", "PUT", "PATCH", "GET", "DELETE"])("may be %s", (method) => {
    expect(parseDestination({ method }).request.destination.method).toBe(method);
  });

  it.each(["post", "HEAD", "OPTIONS", "CONNECT", "", null, 1])("may not be method %j", (method) => {
    expect(refusedAt({ method })).toEqual(["/destination/method"]);
  });

  it.each([100, 10_000, 30_000])("may be %i ms", (timeoutMs) => {
    const { destination } = parseDestination({ timeout_ms: timeoutMs }).request;
    expect(destination.timeoutMs).toBe(timeoutMs);
  });

  it.each([99, 30_001, 0, -1, 100.5, "1000", null, true])("may not be %j ms", (timeoutMs) => {
    expect(refusedAt({ timeout_ms: timeoutMs })).toEqual(["/destination/timeout_ms"]);
  });

  it.each([null, [], "https://receiver.example/", 1])(
    "do not make up for a destination %j",
    (destination) => {
      const text = JSON.stringify({ tenant_id: "t1", type: "webhook.dispatch", destination });
      expect(refusalOf(() => parseText(text)).where).toEqual(["/destination"]);
    },
  );
});

describe("a destination's headers", () => {
  it("are kept as pairs in the order sent, whatever they are called", () => {
    const text = `{"tenant_id":"t1","type":"webhook.dispatch","destination":{"url":"https://receiver.example/",
      "headers":{"__proto__":"a","constructor":"b","x-c":"d","Authorization":"Bearer t"}}}`;
    expect(parseText(text).request.content.headers).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
      ["x-c", "d"],
      ["Authorization", "Bearer t"],
    ]);
  });

  it("may set what is ours by default, and hold blanks, tabs and nothing", () => {
    const headers = {
      "User-Agent": "mine/1.0",
      "Content-Type": "text/plain",
      "x-a": "",
      "x-b": " a\tb~",
    };
    expect(headersOf(headers)).toEqual(Object.entries(headers));
    expect(headersOf({ "!#$%&'*+-.^_`|~09azAZ": "v" })).toHaveLength(1);
  });

  it("may be 50, of 8 KiB together", () => {
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`x-${n}`, "v"]));
    expect(headersOf(fifty)).toHaveLength(50);
    expect(headersOf({ "x-a": "v".repeat(8_189) })).toHaveLength(1);
    expect(refusedAt({ headers: { ...fifty, "x-50": "v" } })).toEqual(["/destination/headers"]);
    expect(refusedAt({ headers: { "x-a": "v".repeat(8_190) } })).toEqual(["/destination/headers"]);
    expect(refusedAt({ headers: { "x-a": "v".repeat(9_000) } })).toEqual(["/destination/headers"]);
  });

  it.each(["日本", "a\r\nx-b: c", "a\nb", "a\u0000", "é", "a\u007f", "\u001b"])(
    "may not hold the value %j",
    (value) => {
      expect(new Set(refusedAt({ headers: { "x-a": value } }))).toEqual(
        new Set(["/destination/headers/x-a"]),
      );
    },
  );

  it.each([1, null, true, ["a"], {}])("may not hold the value %j, which is no text", (value) => {
    expect(refusedAt({ headers: { "x-a": value } })).toEqual(["/destination/headers/x-a"]);
  });

  it.each(["x y", "", "x:", "é", "x\n", "(x)", "x,y", '"x"', "x/y"])(
    "may not have the name %j",
    (name) => {
      const pointer = `/destination/headers/${name.replaceAll("/", "~1")}`;
      expect(refusedAt({ headers: { [name]: "v" } })).toEqual([pointer]);
    },
  );

  it.each([
    "Host",
    "Content-Length",
    "Connection",
    "Keep-Alive",
    "Transfer-Encoding",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
    "Proxy-Authorization",
    "proxy-connection",
    "WEBHOOK-ID",
    "webhook-signature",
    "X-PulseGate-Attempt",
    "x-pulsegate-anything",
  ])("may not be %s, in any case", (name) => {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(refusedAt({ headers: { [spelling]: "v" } })).toEqual([
        `/destination/headers/${spelling}`,
      ]);
    }
  });

  it.each(["x-webhook-id", "webhooks", "proxy", "x-pulsegate", "hosts", "teacher"])(
    "may be %s, which only looks like a refused one",
    (name) => {
      expect(headersOf({ [name]: "v" })).toEqual([[name, "v"]]);
    },
  );

  it("may not stand twice, in whatever case", () => {
    expect(refusedAt({ headers: { "X-A": "1", "x-a": "2" } })).toEqual([
      "/destination/headers/x-a",
    ]);
    expect(refusedAt({ headers: { "Content-Type": "a/b", "CONTENT-TYPE": "c/d" } })).toEqual([
      "/destination/headers/CONTENT-TYPE",
    ]);
  });

  it.each([null, [], "x-a: b", 1])("may not be %j", (headers) => {
    expect(refusedAt({ headers })).toEqual(["/destination/headers"]);
  });
});
