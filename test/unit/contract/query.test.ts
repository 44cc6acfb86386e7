import { describe, expect, it } from "vitest";
import {
  attemptsCursor,
  parseAttemptsQuery,
  parseInclude,
  parseJobId,
  parseLimit,
  readQuery,
} from "../../../lambdas/contract/query.ts";
import { JOB_ID } from "../support/a-job.ts";
import { refusalOf } from "../support/refusal.ts";

const read = (rawQueryString: string) => readQuery(rawQueryString, ["limit", "cursor"]);
const refusedAt = (rawQueryString: string) => refusalOf(() => read(rawQueryString));

describe("a query", () => {
  it.each([
    ["", {}],
    ["limit=5", { limit: "5" }],
    ["cursor=a%3Db&limit=%35", { limit: "5", cursor: "a=b" }],
    ["&limit=5&", { limit: "5" }],
    ["limit=a,b", { limit: "a,b" }],
  ])("is read: %j", (raw, query) => {
    expect(read(raw)).toEqual(query);
  });

  it.each([
    ["limit=", ["limit"], "must not be empty"],
    ["limit", ["limit"], "must not be empty"],
    ["limit=5&limit=5", ["limit"], "stands twice"],
    ["limit=5&l%69mit=6&limit=7", ["limit"], "stands twice"],
    ["limt=5", ["limt"], "is not a known parameter"],
    ["Limit=5", ["Limit"], "is not a known parameter"],
    ["=5", [""], "is not a known parameter"],
    ["__proto__=5", ["__proto__"], "is not a known parameter"],
    ["toString=5&toString=6", ["toString"], "is not a known parameter"],
  ])("is refused with the parameter named: %j", (raw, parameters, detail) => {
    expect(refusedAt(raw)).toEqual({ code: "invalid_input", where: parameters, details: [detail] });
  });

  it("is refused with every mistake at once", () => {
    expect(refusedAt("a=1&limit=&cursor=x&cursor=y&b").where).toEqual([
      "a",
      "limit",
      "cursor",
      "b",
    ]);
  });

  it("of a call that takes none must be empty", () => {
    expect(readQuery("", [])).toEqual({});
    expect(refusalOf(() => readQuery("limit=5", [])).where).toEqual(["limit"]);
  });
});

describe("a limit", () => {
  it("is 50 if it is left out, else a whole number from 1 to 100", () => {
    expect(parseLimit(undefined)).toBe(50);
    for (let limit = 1; limit <= 100; limit += 1) expect(parseLimit(String(limit))).toBe(limit);
  });

  it.each(["0", "101", "5.0", "+5", "05", "-1", "1e1", " 5", "5 ", "", "٥", "0x5", "NaN", "1000"])(
    "is not %j",
    (text) => {
      expect(parseLimit(text)).toBeUndefined();
    },
  );
});

describe("a query for attempts", () => {
  const secret = new Uint8Array(32).fill(7);
  const nonce = new Uint8Array(12).fill(9);
  const parse = (raw: string, jobId: string = JOB_ID) => parseAttemptsQuery(raw, jobId, secret);

  it("begins at the first attempt, fifty a page, unless it says otherwise", () => {
    expect(parse("")).toEqual({ limit: 50, afterN: 0 });
    expect(parse("limit=7")).toEqual({ limit: 7, afterN: 0 });
  });

  it("goes on where the page before ended", () => {
    const cursor = attemptsCursor(JOB_ID, 123_456, secret, nonce);
    expect(parse(`limit=7&cursor=${cursor}`)).toEqual({ limit: 7, afterN: 123_456 });
  });

  it("does not take another job's cursor, nor one that was changed", () => {
    const cursor = attemptsCursor(JOB_ID, 5, secret, nonce);
    const otherJob = JOB_ID.replace(/.$/, "T");
    expect(refusalOf(() => parse(`cursor=${cursor}`, otherJob)).where).toEqual(["cursor"]);
    for (const changed of [`${cursor}A`, `A${cursor.slice(1)}`, cursor.slice(0, -2), "5", "x"]) {
      expect(refusalOf(() => parse(`cursor=${changed}`)).where).toEqual(["cursor"]);
    }
  });

  it("is refused with every mistake at once", () => {
    expect(refusalOf(() => parse("limit=0&cursor=x")).where).toEqual(["limit", "cursor"]);
    expect(refusalOf(() => parse("a=1&limit=0&cursor=x")).where.toSorted()).toEqual([
      "a",
      "cursor",
      "limit",
    ]);
  });
});

describe("what a job is shown with", () => {
  it("is its payload only if that is asked for", () => {
    expect(parseInclude("")).toBe(false);
    expect(parseInclude("include=payload")).toBe(true);
  });

  it.each([
    "include=",
    "include=Payload",
    "include=payload,attempts",
    "include=payload&include=payload",
    "payload",
  ])("is nothing else: %s", (raw) => {
    expect(refusalOf(() => parseInclude(raw)).code).toBe("invalid_input");
  });
});

describe("a job's id in a path", () => {
  it("is one of ours, or leads to no job", () => {
    expect(parseJobId(JOB_ID)).toBe(JOB_ID);
    for (const text of [undefined, "", "job_1", JOB_ID.toLowerCase(), `${JOB_ID} `]) {
      expect(refusalOf(() => parseJobId(text)).code).toBe("not_found");
    }
  });
});
