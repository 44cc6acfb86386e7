import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDestination, parseJob, parseMembers, parseText } from "../support/job-requests.ts";
import { anyNode, anyStyle, printed } from "../support/json-texts.ts";
import { refusalOf } from "../support/refusal.ts";

const bodyOf = (members: string): string | null => {
  const { body } = parseMembers(members).request.content;
  return body && new TextDecoder("utf-8", { fatal: true }).decode(body);
};

describe("a job's payload", () => {
  it("is what the sender wrote, byte for byte", () => {
    fc.assert(
      fc.property(anyNode, anyStyle, (node, style) => {
        const payload = printed(node, style()).toWellFormed();
        expect(bodyOf(`"payload": ${payload}\r\n`)).toBe(payload);
      }),
    );
  });

  it("is null when it is null, and no body when there is none", () => {
    expect(bodyOf('"payload":null')).toBe("null");
    expect(bodyOf('"priority":"low"')).toBeNull();
  });

  it("may be 100,000 brackets within each other", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    expect(bodyOf(`"payload":${deep}`)).toBe(deep);
  });

  it("may be a list as long as its bytes allow", () => {
    const wide = `[${"1,".repeat(131_070)}1]`;
    expect(bodyOf(`"payload":${wide}`)).toBe(wide);
  });

  it("may have 262,144 bytes of UTF-8 and not one more", () => {
    const ofBytes = (bytes: number) => `"payload":"${"a".repeat(bytes - 2)}"`;
    expect(bodyOf(ofBytes(262_144))).toHaveLength(262_144);
    expect(refusalOf(() => parseMembers(ofBytes(262_145)))).toMatchObject({
      code: "payload_too_large",
      where: ["/payload"],
    });
    // Two bytes each: 131,072 of them and the quotes are too many.
    expect(refusalOf(() => parseMembers(`"payload":"${"é".repeat(131_072)}"`)).code).toBe(
      "payload_too_large",
    );
    expect(() => parseMembers(`"payload":"${"é".repeat(131_071)}"`)).not.toThrow();
  });

  it("is judged by its size before any field is judged", () => {
    const text = `{"payload":"${"a".repeat(262_144)}","nope":1,"type":1}`;
    expect(refusalOf(() => parseText(text)).code).toBe("payload_too_large");
  });

  it("cannot go with GET", () => {
    const destination = (method: string) =>
      `"payload":{"a":1},"destination":{"url":"https://receiver.example/","method":"${method}"}`;
    const withMethod = (method: string) =>
      parseText(`{"tenant_id":"t1","type":"webhook.dispatch",${destination(method)}}`);
    expect(refusalOf(() => withMethod("GET"))).toMatchObject({
      code: "invalid_input",
      where: ["/payload"],
    });
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      expect(() => withMethod(method)).not.toThrow();
    }
    expect(parseDestination({ method: "GET" }).request.content.body).toBeNull();
  });

  it("may hold duplicate keys, lone surrogates and U+0000 as data", () => {
    const payload = '{"k":1,"k":"\\ud800\\u0000","__proto__":{"k":1}}';
    expect(bodyOf(`"payload":${payload}`)).toBe(payload);
  });
});

describe("outside the payload", () => {
  it.each([
    ['"priority":"low","priority":"high"', ["/priority"]],
    ['"t\\u0079pe":"other.type"', ["/type"]],
    ['"payload":1,"payload":2', ["/payload"]],
    [
      '"destination":{"url":"https://a.example","url":"https://b.example"}',
      ["/destination", "/destination/url"],
    ],
    ['"metadata":{"a":"1","\\u0061":"2"}', ["/metadata/a"]],
    ['"retry":{"max_attempts":1,"max_attempts":2}', ["/retry/max_attempts"]],
  ])("a key that stands twice is refused: %s", (members, pointers) => {
    expect(refusalOf(() => parseMembers(members))).toMatchObject({
      code: "invalid_input",
      where: pointers,
    });
  });

  it.each([
    ['"metadata":{"a":"\\ud800"}', "/metadata/a"],
    ['"metadata":{"a":"\\u0000"}', "/metadata/a"],
    ['"metadata":{"\\udc00":"a"}', "/metadata/\udc00"],
  ])("text must be well-formed: %s", (members, pointer) => {
    expect(refusalOf(() => parseMembers(members)).where).toEqual([pointer]);
  });
});

describe("the hash of a request", () => {
  it("is one for every spelling of one meaning", () => {
    const one = '"payload":{"a":1,"b":"\u00e9"},"metadata":{"x":"1","y":"2"}';
    const other = '"metadata" : {"y":"2","x":"\\u0031"},\r\n"payload":{"b":"\\u00e9", "a":1}';
    expect(parseMembers(one).hash).toBe(parseMembers(other).hash);
    expect(parseMembers(one).hash).toMatch(/^[0-9a-f]{32}$/);
  });

  it("changes with any literal, and with a default that is written out", () => {
    const hashes = [
      '"payload":1',
      '"payload":1.0',
      '"payload":1e0',
      '"payload":"1"',
      '"payload":[1]',
      '"payload":null',
      '"priority":"normal"',
      '"priority":"low"',
      '"retry":{}',
      '"retry":{"max_attempts":8}',
      '"retry":{"max_attempts":8.0}',
    ].map((members) => parseMembers(members).hash);
    hashes.push(parseJob().hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
