import { marshall } from "@aws-sdk/util-dynamodb";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itemSizeBytes } from "../../../../lambdas/adapters/dynamodb/item-size.ts";
import {
  attentionOf,
  toJobItem,
  toPointerItem,
  toRidingContent,
  toStanding,
} from "../../../../lambdas/adapters/dynamodb/items.ts";
import type { Item } from "../../../../lambdas/adapters/dynamodb/items.ts";
import { jobKey } from "../../../../lambdas/adapters/dynamodb/keys.ts";
import { defaultRetryPolicy } from "../../../../lambdas/core/rules/backoff.ts";
import { bucketOf, destinationKeyOf } from "../../../../lambdas/core/rules/rate-limit.ts";
import type { Job, JobContent } from "../../../../lambdas/core/rules/job.ts";
import { JOB_ID, NOW_MS, aJob, contentOf, leaseLeft } from "../../support/a-job.ts";
import { anyContent, pairs } from "../../support/any-content.ts";

const NOTHING = contentOf(null);
const itemOf = (job: Job, content: JobContent = NOTHING) => toJobItem(job, content, "created", 4);
const changed = (item: Item, more: Record<string, unknown>): Item => ({
  ...item,
  ...marshall(more),
});

const text = fc.string({ unit: "binary", maxLength: 20 });
const newJob: fc.Arbitrary<Job> = fc
  .record({
    tenantId: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
    type: fc.stringMatching(/^[A-Za-z0-9_.:-]{1,128}$/),
    priority: fc.constantFrom("high", "normal", "low"),
    destination: fc.record({
      url: fc.webUrl(),
      method: fc.constantFrom("POST", "PUT", "PATCH", "GET", "DELETE"),
      timeoutMs: fc.oneof(fc.constant(10_000), fc.integer({ min: 100, max: 30_000 })),
    }),
    executeAtMs: fc.oneof(fc.constant(0), fc.option(fc.integer({ min: -NOW_MS, max: 2 * NOW_MS }))),
    maxAttempts: fc.oneof(fc.constant(8), fc.integer({ min: 1, max: 50 })),
    retry: fc.oneof(
      fc.constant(defaultRetryPolicy),
      fc.record({
        kind: fc.constant("schedule" as const),
        delaysMs: fc.array(fc.nat(86_400_000), { minLength: 1, maxLength: 49 }),
      }),
      fc.record({
        kind: fc.constant("doubling" as const),
        baseMs: fc.nat(3_600_000),
        maxMs: fc.nat(86_400_000),
      }),
    ),
    metadata: pairs,
    dedupeKey: fc.option(fc.string({ unit: "binary", minLength: 1, maxLength: 256 })),
    dueAtMs: fc.oneof(fc.constant(0), fc.integer({ min: NOW_MS, max: 2 * NOW_MS })),
    requestHash: fc.stringMatching(/^[0-9a-f]{32}$/),
    address: text,
    limit: fc.option(
      fc.record({
        rps: fc.double({ min: 0.001, max: 10_000, noNaN: true }),
        burst: fc.integer({ min: 1, max: 10_000 }),
        key: fc.option(text),
      }),
    ),
  })
  .map(({ address, limit, ...more }) => {
    const destinationKey = destinationKeyOf(more.tenantId, address);
    if (!limit) return aJob({ ...more, destinationKey });
    const { key, ...numbers } = limit;
    const bucket = key === null ? destinationKey : bucketOf(more.tenantId, key);
    return aJob({ ...more, destinationKey, pace: { ...numbers, bucket } });
  });

describe("a job's item", () => {
  it("is read back as the job that was put", () => {
    fc.assert(
      fc.property(newJob, anyContent, (job, content) => {
        expect(toStanding(itemOf(job, content).item, NOW_MS)).toEqual(job);
      }),
    );
  });

  it("carries its content as it was, or says that it is apart", () => {
    fc.assert(
      fc.property(newJob, anyContent, (job, content) => {
        const { item, isContentApart } = itemOf(job, content);
        expect(toRidingContent(item)).toEqual(isContentApart ? null : content);
        if (!isContentApart) expect(itemSizeBytes(item)).toBeLessThanOrEqual(1_024);
      }),
    );
  });

  it("leaves out what has its default", () => {
    const names = Object.keys(itemOf(aJob()).item);
    expect(names.toSorted()).toEqual([
      "att",
      "cre",
      "crt",
      "dst",
      "due",
      "gen",
      "hash",
      "pk",
      "sk",
      "st",
      "tenant",
      "tpk",
      "tsk",
      "type",
      "upd",
      "url",
    ]);
  });

  it("is read with all that its life adds", () => {
    const { item } = itemOf(aJob());
    const lived = changed(item, {
      st: "processing",
      gen: 2,
      att: 3,
      prev: 8,
      upd: NOW_MS + 5,
      due: NOW_MS + 6,
      clt: "claim-token",
      cla: NOW_MS - 25_000,
      lse: NOW_MS + 20_000,
      err: "timeout: no answer",
      closed: [4, 9],
      fenced: 3,
      rks: ["a", "b"],
    });
    expect(toStanding(lived, NOW_MS)).toEqual(
      aJob({
        state: "processing",
        generation: 2,
        attempts: 3,
        earlierAttempts: 8,
        updatedAtMs: NOW_MS + 5,
        dueAtMs: NOW_MS + 6,
        lease: leaseLeft(20_000),
        lastError: "timeout: no answer",
        closedAttempts: [4, 9],
        fenced: 3,
        retryKeys: ["a", "b"],
      }),
    );
    const ended = changed(item, {
      st: "success",
      ok: [NOW_MS, NOW_MS + 7, 204],
      expires_at: 1_700_000_001,
    });
    expect(toStanding(ended, NOW_MS)).toMatchObject({
      state: "success",
      success: { startedAtMs: NOW_MS, finishedAtMs: NOW_MS + 7, httpStatus: 204 },
      expiresAtMs: 1_700_000_001_000,
    });
  });

  it("is in the sparse index from the first only if the caller set its time", () => {
    expect(itemOf(aJob()).item).not.toHaveProperty("npk");
    const waiting = itemOf(aJob({ dueAtMs: NOW_MS + 1 })).item;
    expect(waiting["npk"]?.S).toMatch(/^waiting#t1#[0-3]$/);
  });
});

describe("what counts as absent", () => {
  const seconds = NOW_MS / 1_000;
  it.each([
    ["no item", undefined],
    ["a job that expired this very second", changed(itemOf(aJob()).item, { expires_at: seconds })],
    ["a job that expired long ago", changed(itemOf(aJob()).item, { expires_at: 1 })],
    ["a tombstone that expired", marshall({ ...jobKey(JOB_ID), made_at: 1, expires_at: seconds })],
  ])("is %s", (_what, item) => {
    expect(toStanding(item, NOW_MS)).toEqual({ kind: "absent" });
  });

  it("is no pointer that stands, but one that expired", () => {
    const pointer = { jobId: "job_of_another", createdAtMs: 7, requestHash: "00ff" };
    const item = toPointerItem(jobKey(JOB_ID), pointer, seconds + 1, "token");
    expect(toStanding(item, NOW_MS)).toEqual({ kind: "pointer", ...pointer });
    expect(toStanding(item, NOW_MS + 1_000)).toEqual({ kind: "absent" });
  });

  it("is nothing that expires in a second, although the table may delete it days later", () => {
    const job = changed(itemOf(aJob()).item, { expires_at: seconds + 1 });
    expect(toStanding(job, NOW_MS)).toMatchObject({ kind: "job", id: JOB_ID });
    const tombstone = marshall({ ...jobKey(JOB_ID), made_at: 7, expires_at: seconds + 1 });
    expect(toStanding(tombstone, NOW_MS)).toEqual({ kind: "tombstone", madeAtMs: 7 });
  });
});

describe("a job's kilobyte", () => {
  const usual = aJob({
    tenantId: "acme-production",
    destination: {
      url: `https://hooks.receiver.example/v1/orders/created`,
      method: "POST",
      timeoutMs: 10_000,
    },
  });

  it("holds a usual job with a payload of half a kilobyte", () => {
    expect(itemOf(usual, contentOf("x".repeat(511))).isContentApart).toBe(false);
  });

  it("does not hold a payload of a kilobyte", () => {
    const { item, isContentApart } = itemOf(usual, contentOf("x".repeat(1_024)));
    expect(isContentApart).toBe(true);
    expect(item).not.toHaveProperty("body");
    expect(itemSizeBytes(item)).toBeLessThan(512);
  });

  const claimed = { clt: "a".repeat(12), cla: NOW_MS, lse: NOW_MS };
  const succeeded = { wrt: "a".repeat(12), ok: [NOW_MS, NOW_MS, 200], expires_at: 1_700_000_000 };
  const failed = { wrt: "a".repeat(12), err: "e".repeat(100), ...attentionOf(usual, "waiting", 4) };
  const largestRiding = (): Item => {
    for (let length = 1_024; length > 0; length -= 1) {
      const { item, isContentApart } = itemOf(usual, contentOf("x".repeat(length)));
      if (!isContentApart) return item;
    }
    throw new Error("no payload rides");
  };

  it.each([
    ["while it is claimed", claimed],
    ["when it succeeded at the first attempt", succeeded],
    ["when an attempt failed and it waits for the next", failed],
    ["while it is claimed once more", { ...failed, ...claimed }],
  ])("is not exceeded by a job whose payload rides, %s", (_when, added) => {
    expect(itemSizeBytes(changed(largestRiding(), added))).toBeLessThanOrEqual(1_024);
  });
});
