import { describe, expect, it } from "vitest";
import { defaultRetryPolicy } from "../../../lambdas/core/rules/backoff.ts";
import { parseJob, parseMembers, parseText } from "../support/job-requests.ts";
import { refusalOf } from "../support/refusal.ts";

const retryOf = (retry: object) => {
  const { maxAttempts, retry: policy } = parseJob({ retry }).request;
  return { maxAttempts, policy };
};
const refusedAt = (retry: unknown) => refusalOf(() => parseJob({ retry })).where;

describe("retries", () => {
  it("take the day-long schedule unless they say otherwise", () => {
    expect(retryOf({})).toEqual({ maxAttempts: 8, policy: defaultRetryPolicy });
    expect(retryOf({ max_attempts: 3 })).toEqual({ maxAttempts: 3, policy: defaultRetryPolicy });
  });

  it.each([
    ["1", 1],
    ["50", 50],
    ["8.0", 8],
    ["1e1", 10],
  ])("may make %s attempts", (literal, maxAttempts) => {
    const { request } = parseMembers(`"retry":{"max_attempts":${literal}}`);
    expect(request.maxAttempts).toBe(maxAttempts);
  });

  it.each(["0", "-1", "51", "8.5", '"8"', "true", "null", "[]", "1e400", "1e-400", "1e30"])(
    "may not make %s attempts",
    (literal) => {
      const refusal = refusalOf(() => parseMembers(`"retry":{"max_attempts":${literal}}`));
      expect(refusal.code).toBe("invalid_input");
      expect(new Set(refusal.where)).toEqual(new Set(["/retry/max_attempts"]));
    },
  );

  it("make one attempt more than their schedule has delays, or as many as they say", () => {
    const schedule = { kind: "schedule", delaysMs: [100, 86_400_000] };
    expect(retryOf({ schedule_ms: [100, 86_400_000] })).toEqual({
      maxAttempts: 3,
      policy: schedule,
    });
    expect(retryOf({ schedule_ms: [100, 86_400_000], max_attempts: 50 })).toEqual({
      maxAttempts: 50,
      policy: schedule,
    });
    expect(retryOf({ schedule_ms: Array<number>(49).fill(100) }).maxAttempts).toBe(50);
  });

  it("double, from half a second to half a minute unless they say otherwise", () => {
    const doubling = (baseMs: number, maxMs: number) => ({
      maxAttempts: 8,
      policy: { kind: "doubling", baseMs, maxMs },
    });
    expect(retryOf({ base_delay_ms: 100 })).toEqual(doubling(100, 30_000));
    expect(retryOf({ base_delay_ms: 30_001 })).toEqual(doubling(30_001, 30_001));
    expect(retryOf({ base_delay_ms: 3_600_000 })).toEqual(doubling(3_600_000, 3_600_000));
    expect(retryOf({ max_delay_ms: 500 })).toEqual(doubling(500, 500));
    expect(retryOf({ max_delay_ms: 86_400_000 })).toEqual(doubling(500, 86_400_000));
    expect(retryOf({ base_delay_ms: 200, max_delay_ms: 200 })).toEqual(doubling(200, 200));
  });

  it.each([
    [{ schedule_ms: [] }, "/retry/schedule_ms"],
    [{ schedule_ms: Array<number>(50).fill(100) }, "/retry/schedule_ms"],
    [{ schedule_ms: [100, 99] }, "/retry/schedule_ms/1"],
    [{ schedule_ms: [86_400_001] }, "/retry/schedule_ms/0"],
    [{ schedule_ms: [100.5] }, "/retry/schedule_ms/0"],
    [{ schedule_ms: ["100"] }, "/retry/schedule_ms/0"],
    [{ schedule_ms: 100 }, "/retry/schedule_ms"],
    [{ schedule_ms: null }, "/retry/schedule_ms"],
    [{ base_delay_ms: 99 }, "/retry/base_delay_ms"],
    [{ base_delay_ms: 3_600_001 }, "/retry/base_delay_ms"],
    [{ base_delay_ms: 500.5 }, "/retry/base_delay_ms"],
    [{ base_delay_ms: null }, "/retry/base_delay_ms"],
    [{ max_delay_ms: 499 }, "/retry/max_delay_ms"],
    [{ max_delay_ms: 86_400_001 }, "/retry/max_delay_ms"],
    [{ base_delay_ms: 1_000, max_delay_ms: 999 }, "/retry/max_delay_ms"],
    [{ max_delay_ms: "30000" }, "/retry/max_delay_ms"],
    [{ base_delay_ms: "soon", max_delay_ms: 30_000 }, "/retry/base_delay_ms"],
    [{ base_delay_ms: {}, max_delay_ms: 30_000 }, "/retry/base_delay_ms"],
    [{ schedule_ms: [100], base_delay_ms: 500 }, "/retry"],
    [{ schedule_ms: [100], max_delay_ms: 500 }, "/retry"],
    [null, "/retry"],
    [[], "/retry"],
    [3, "/retry"],
  ])("may not be %j", (retry, pointer) => {
    expect(refusedAt(retry)).toEqual([pointer]);
  });
});

describe("mistakes", () => {
  it("are told all at once, each where it stands", () => {
    const text = `{
      "tenant_id": "a b",
      "type": "",
      "destination": { "url": "ftp://a", "method": "get", "headers": { "Host": "a" }, "timeout_ms": 1, "x": 1 },
      "execute_at": "tomorrow",
      "retry": { "max_attempts": 0, "schedule_ms": [1] },
      "priority": "urgent",
      "metadata": { "": "a" },
      "nope": 1,
      "nope": 2
    }`;
    expect(refusalOf(() => parseText(text)).where.toSorted()).toEqual([
      "/destination/headers/Host",
      "/destination/method",
      "/destination/timeout_ms",
      "/destination/url",
      "/destination/x",
      "/execute_at",
      "/metadata/",
      "/nope",
      "/nope",
      "/priority",
      "/retry/max_attempts",
      "/retry/schedule_ms/0",
      "/tenant_id",
      "/type",
    ]);
  });

  it("of single fields do not hide those of the whole retry object", () => {
    const pointers = refusedAt({ max_attempts: "8", schedule_ms: [100], base_delay_ms: 500 });
    expect(pointers.toSorted()).toEqual(["/retry", "/retry/max_attempts"]);
    const delays = refusedAt({ max_attempts: "8", base_delay_ms: 1_000, max_delay_ms: 999 });
    expect(delays.toSorted()).toEqual(["/retry/max_attempts", "/retry/max_delay_ms"]);
  });

  it("of one header do not hide those of the others", () => {
    const headers = { "x-a": 1, Host: "h", "x y": "v" };
    const destination = { url: "https://receiver.example/", headers };
    expect(refusalOf(() => parseJob({ destination })).where.toSorted()).toEqual([
      "/destination/headers/Host",
      "/destination/headers/x y",
      "/destination/headers/x-a",
    ]);
  });

  it("of one metadata value do not hide those of the names", () => {
    expect(refusalOf(() => parseJob({ metadata: { a: 1, "": "v" } })).where.toSorted()).toEqual([
      "/metadata/",
      "/metadata/a",
    ]);
  });

  it("of the payload's place stand beside those of the fields", () => {
    const text = `{"tenant_id":"t1","type":"","payload":1,"destination":{"url":"https://a.example/","method":"GET"}}`;
    expect(refusalOf(() => parseText(text)).where.toSorted()).toEqual(["/payload", "/type"]);
  });

  it("say what is wrong in a sentence's end, without a parser's words", () => {
    const refusal = refusalOf(() =>
      parseJob({ tenant_id: 1, type: "", priority: "x", retry: { max_attempts: 99 }, nope: 1 }),
    );
    for (const detail of refusal.details) {
      expect(detail).not.toMatch(/zod|undefined|NaN|^Invalid (input|option|string)/);
      expect(detail.length).toBeGreaterThan(5);
    }
  });
});
