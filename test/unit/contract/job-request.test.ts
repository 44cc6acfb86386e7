import { describe, expect, it } from "vitest";
import { defaultRetryPolicy } from "../../../lambdas/core/rules/backoff.ts";
import { destinationKeyOf } from "../../../lambdas/core/rules/rate-limit.ts";
import { NOW_MS } from "../support/a-job.ts";
import { minimalJob, parseJob, parseMembers, parseText } from "../support/job-requests.ts";
import { refusalOf } from "../support/refusal.ts";

const refusedAt = (more: object) => refusalOf(() => parseJob(more)).where;

describe("the smallest job", () => {
  it("gets every default", () => {
    expect(parseJob().request).toEqual({
      tenantId: "t1",
      type: "webhook.dispatch",
      priority: "normal",
      destination: { url: "https://receiver.example/hook", method: "POST", timeoutMs: 10_000 },
      destinationKey: destinationKeyOf("t1", "https://receiver.example/hook"),
      pace: null,
      executeAtMs: null,
      dedupeKey: null,
      maxAttempts: 8,
      retry: defaultRetryPolicy,
      metadata: [],
      content: { body: null, headers: [] },
    });
  });

  it("cannot do without tenant, type and destination, each named where it would stand", () => {
    const refusal = refusalOf(() => parseText("{}"));
    expect(refusal.code).toBe("invalid_input");
    expect(refusal.where).toEqual(["/tenant_id", "/type", "/destination"]);
    expect(new Set(refusal.details)).toEqual(new Set(["is required"]));
    expect(refusedAt({ destination: {} })).toEqual(["/destination/url"]);
  });

  it.each(["[]", "null", '"job"', "1", "true"])("is an object, not %s", (text) => {
    expect(refusalOf(() => parseText(text))).toMatchObject({ code: "invalid_input", where: [""] });
  });
});

describe("a job's tenant and type", () => {
  it.each([
    ["tenant_id", "a"],
    ["tenant_id", "A-Z.a_z-0.9"],
    ["tenant_id", "a".repeat(64)],
    ["type", "webhook.dispatch"],
    ["type", "Email:send-1_b"],
    ["type", "a".repeat(128)],
  ])("may be: %s %j", (field, value) => {
    expect(() => parseJob({ [field]: value })).not.toThrow();
  });

  it.each([
    ["tenant_id", ""],
    ["tenant_id", "a".repeat(65)],
    ["tenant_id", "a:b"],
    ["tenant_id", "a b"],
    ["tenant_id", "a#b"],
    ["tenant_id", "a/b"],
    ["tenant_id", "ä"],
    ["tenant_id", "a\n"],
    ["tenant_id", 1],
    ["tenant_id", null],
    ["tenant_id", ["t1"]],
    ["type", ""],
    ["type", "a".repeat(129)],
    ["type", "a/b"],
    ["type", "a b"],
    ["type", "a\n"],
    ["type", null],
    ["type", {}],
  ])("may not be: %s %j", (field, value) => {
    expect(refusedAt({ [field]: value })).toEqual([`/${field}`]);
  });

  it("may be a type that nothing serves, whose destination is checked alike", () => {
    expect(parseJob({ type: "no.such.type" }).request.type).toBe("no.such.type");
    expect(refusedAt({ type: "no.such.type", destination: {} })).toEqual(["/destination/url"]);
    expect(refusalOf(() => parseText('{"tenant_id":"t1","type":"no.such.type"}')).where).toEqual([
      "/destination",
    ]);
  });
});

describe("a job's priority", () => {
  it.each(["high", "normal", "low"] as const)("may be %s", (priority) => {
    expect(parseJob({ priority }).request.priority).toBe(priority);
  });

  it.each(["HIGH", "urgent", "", 1, null, ["high"]])("may not be %j", (priority) => {
    expect(refusedAt({ priority })).toEqual(["/priority"]);
  });
});

describe("a job's time", () => {
  const inMs = (ms: number) => new Date(NOW_MS + ms).toISOString();
  const YEAR_MS = 366 * 86_400_000;

  it.each([
    ["2023-12-01T00:00:00Z", "2023-12-01T00:00:00.000Z"],
    ["2023-12-01t00:00:00z", "2023-12-01T00:00:00.000Z"],
    ["2023-12-01T00:00:00+05:30", "2023-11-30T18:30:00.000Z"],
    ["2023-12-01T00:00:00-00:00", "2023-12-01T00:00:00.000Z"],
    ["2023-12-31T23:59:60Z", "2024-01-01T00:00:00.000Z"],
    ["2023-12-01T00:00:00.0009Z", "2023-12-01T00:00:00.001Z"],
    ["2023-12-01T00:00:00.123456789Z", "2023-12-01T00:00:00.124Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
    ["0000-01-01T23:59:00+23:59", "0000-01-01T00:00:00.000Z"],
  ])("may be %s", (text, instant) => {
    expect(parseJob({ execute_at: text }).request.executeAtMs).toBe(new Date(instant).getTime());
  });

  it("lies 366 days ahead at most", () => {
    expect(parseJob({ execute_at: inMs(YEAR_MS - 1) }).request.executeAtMs).toBe(
      NOW_MS + YEAR_MS - 1,
    );
    expect(() => parseJob({ execute_at: inMs(YEAR_MS) })).not.toThrow();
    expect(refusedAt({ execute_at: inMs(YEAR_MS + 1) })).toEqual(["/execute_at"]);
    expect(refusedAt({ execute_at: "9999-12-31T23:59:59Z" })).toEqual(["/execute_at"]);
  });

  it.each([
    "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2023-12-01T24:00:00Z",
    "0000-01-01T00:00:00+23:59",
    "0000-01-01T00:00:00+00:01",
    "2023-12-01T00:00:00",
    "2023-12-01 00:00:00Z",
    "2023-12-01",
    "tomorrow",
    "",
    NOW_MS,
    null,
    {},
  ])("may not be %j", (executeAt) => {
    expect(refusedAt({ execute_at: executeAt })).toEqual(["/execute_at"]);
  });
});

describe("a job's dedupe key", () => {
  it.each(["k", " ", "#:/", "k".repeat(256), "\u{1F600}".repeat(256), "\u00e9", "e\u0301"])(
    "may be %j, and is kept as it is",
    (key) => {
      expect(parseJob({ dedupe_key: key }).request.dedupeKey).toBe(key);
    },
  );

  it.each(["", "k".repeat(257), "\u{1F600}".repeat(257), 1, null, {}, ["k"]])(
    "may not be %j",
    (key) => {
      expect(refusedAt({ dedupe_key: key })).toEqual(["/dedupe_key"]);
    },
  );
});

describe("a job's metadata", () => {
  it("is kept as pairs in the order sent, also under names that objects treat otherwise", () => {
    const { request } = parseMembers(
      '"metadata":{"z":"1","__proto__":"v","constructor":"","a":"\u{1F600}"}',
    );
    expect(request.metadata).toEqual([
      ["z", "1"],
      ["__proto__", "v"],
      ["constructor", ""],
      ["a", "\u{1F600}"],
    ]);
    expect(parseJob({ metadata: {} }).request.metadata).toEqual([]);
  });

  it("may have names of 64 characters, 20 pairs, and 2 KiB together", () => {
    const names = ["n".repeat(64), "\u{1F600}".repeat(64)];
    expect(() =>
      parseJob({ metadata: Object.fromEntries(names.map((n) => [n, ""])) }),
    ).not.toThrow();
    expect(() => parseJob({ metadata: pairs(20) })).not.toThrow();
    expect(() => parseJob({ metadata: { a: "v".repeat(2_047) } })).not.toThrow();
  });

  it.each([
    ["an empty name", { "": "w" }, "/metadata/"],
    ["a name of 65 characters", { ["n".repeat(65)]: "" }, `/metadata/${"n".repeat(65)}`],
    ["21 pairs", pairs(21), "/metadata"],
    ["2,049 bytes", { a: "v".repeat(2_048) }, "/metadata"],
    ["2,049 bytes in fewer characters", { a: "é".repeat(1_024) }, "/metadata"],
    ["a number", { "a/b": 1 }, "/metadata/a~1b"],
    ["null as a value", { a: null }, "/metadata/a"],
    ["an object as a value", { a: {} }, "/metadata/a"],
    ["a list", ["a"], "/metadata"],
    ["a text", "a", "/metadata"],
    ["null", null, "/metadata"],
  ])("may not have %s", (_what, metadata, pointer) => {
    expect(refusedAt({ metadata })).toEqual([pointer]);
  });

  it("may not be 10,000 levels deep", () => {
    const deep = '{"a":'.repeat(10_000) + '"v"' + "}".repeat(10_000);
    expect(refusalOf(() => parseMembers(`"metadata":${deep}`)).where).toEqual(["/metadata/a"]);
  });
});

describe("an unknown field", () => {
  it.each([
    ['"tenantId":"t1"', "/tenantId"],
    ['"__proto__":{"priority":"high"}', "/__proto__"],
    ['"constructor":1', "/constructor"],
    ['"toString":null', "/toString"],
    ['"a/b~":1', "/a~1b~0"],
    ['"":1', "/"],
    ['"retry":{"max":3}', "/retry/max"],
    ['"retry":{"__proto__":{"max_attempts":1}}', "/retry/__proto__"],
    ['"rate_limit":{"rps":1,"per":"s"}', "/rate_limit/per"],
  ])("is refused by its name: %s", (members, pointer) => {
    expect(refusalOf(() => parseMembers(members))).toEqual({
      code: "invalid_input",
      where: [pointer],
      details: ["is not a known field"],
    });
  });

  it("is refused in the destination, too", () => {
    const text = JSON.stringify({ ...minimalJob, destination: null }).replace(
      "null",
      '{"url":"https://receiver.example/","__proto__":{"method":"GET"},"timeout":5}',
    );
    expect(refusalOf(() => parseText(text)).where.toSorted()).toEqual([
      "/destination/__proto__",
      "/destination/timeout",
    ]);
  });
});

function pairs(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, ""]));
}
