import { describe, expect, it } from "vitest";
import { bucketOf } from "../../../lambdas/core/rules/rate-limit.ts";
import { parseJob, parseMembers } from "../support/job-requests.ts";
import { refusalOf } from "../support/refusal.ts";

const paceOf = (rate_limit: object, more: object = {}) =>
  parseJob({ rate_limit, ...more }).request.pace;

describe("a rate limit", () => {
  it("is of the destination, with a second's burst", () => {
    const { destinationKey, pace } = parseJob({ rate_limit: { rps: 2.5 } }).request;
    expect(pace).toEqual({ bucket: destinationKey, rps: 2.5, burst: 3 });
  });

  it.each([
    [{ rps: 0.001 }, 0.001, 1],
    [{ rps: 0.2 }, 0.2, 1],
    [{ rps: 333, burst: 1 }, 333, 1],
    [{ rps: 10_000 }, 10_000, 10_000],
    [{ rps: 1, burst: 10_000 }, 1, 10_000],
  ])("may be %j", (limit, rps, burst) => {
    expect(paceOf(limit)).toMatchObject({ rps, burst });
  });

  const refused: [text: string, where: string[]][] = [
    ["{}", ["/rate_limit/rps"]],
    ["null", ["/rate_limit"]],
    ['{"burst":1}', ["/rate_limit/rps"]],
    ...["5e-324", "1e-9", "1e400", "-0", "0", "-1", "10000.1", '"1"', "null", "true"].map(
      (rps): [string, string[]] => [`{"rps":${rps}}`, ["/rate_limit/rps"]],
    ),
    ...["0", "10001", "1.5", "null", '"1"'].map((burst): [string, string[]] => [
      `{"rps":1,"burst":${burst}}`,
      ["/rate_limit/burst"],
    ]),
    ['{"rps":1,"key":""}', ["/rate_limit/key"]],
    [`{"rps":1,"key":"${"x".repeat(129)}"}`, ["/rate_limit/key"]],
    ['{"rps":0,"burst":0,"key":1}', ["/rate_limit/rps", "/rate_limit/burst", "/rate_limit/key"]],
  ];

  it.each(refused)("is refused, and the field named: %s", (text, where) => {
    const refusal = refusalOf(() => parseMembers(`"rate_limit":${text}`));
    expect(refusal).toMatchObject({ code: "invalid_input", where });
  });

  it("has a bucket of its own name, whatever the destination", () => {
    const bucket = bucketOf("t1", "crm");
    for (const url of ["https://one.example/", "https://two.example/"]) {
      expect(paceOf({ rps: 1, key: "crm" }, { destination: { url } })).toMatchObject({ bucket });
    }
    expect(paceOf({ rps: 1, key: "crm" }, { tenant_id: "t2" })?.bucket).not.toBe(bucket);
    expect(paceOf({ rps: 1, key: "é".repeat(128) })).not.toBeNull();
  });

  it("cannot reach a destination's bucket by its name", () => {
    const url = "https://receiver.example/hook";
    const { destinationKey } = parseJob({ destination: { url } }).request;
    expect(paceOf({ rps: 1, key: url })?.bucket).not.toBe(destinationKey);
  });
});

describe("a destination", () => {
  const keyOf = (url: string, more: object = {}) =>
    parseJob({ destination: { url }, ...more }).request.destinationKey;

  it.each([
    "http://receiver.example:80/a",
    "HTTP://receiver.example/a?x=1",
    "http://RECEIVER.example/a#f",
    "http://receiver.example/%61",
    "http://receiver.example/b/../a",
    "http://receiver.example/%2e/a",
  ])("is the same, spelt as %s", (url) => {
    expect(keyOf(url)).toBe(keyOf("http://receiver.example/a"));
  });

  it("is the same with its escapes in either case", () => {
    expect(keyOf("http://receiver.example/%2fa%7e")).toBe(keyOf("http://receiver.example/%2Fa~"));
  });

  it.each([
    "https://receiver.example/a",
    "http://receiver.example:81/a",
    "http://other.example/a",
    "http://receiver.example/a/",
    "http://receiver.example/A",
    "http://receiver.example/%2Fa",
  ])("is another one at %s", (url) => {
    expect(keyOf(url)).not.toBe(keyOf("http://receiver.example/a"));
  });

  it("is another one for another tenant", () => {
    const url = "http://receiver.example/a";
    expect(keyOf(url, { tenant_id: "t2" })).not.toBe(keyOf(url));
  });
});
