import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closedAttempt, nextStep } from "../../../../lambdas/core/rules/attempt.ts";
import { NOW_MS, aJob } from "../../support/a-job.ts";

const failedAttempt = {
  n: 1,
  startedAtMs: NOW_MS - 100,
  finishedAtMs: NOW_MS,
  status: "failed",
  httpStatus: 500,
  error: "http_status: the destination answered 500",
  responseExcerpt: "",
} as const;

describe("after a failed attempt", () => {
  it("comes another one, within the upper half of its delay after the failure", () => {
    const job = aJob({
      state: "processing",
      attempts: 2,
      maxAttempts: 3,
      retry: { kind: "schedule", delaysMs: [100, 10_000] },
    });
    expect(nextStep(job, failedAttempt, NOW_MS, 0)).toEqual({
      kind: "retry",
      attempt: failedAttempt,
      dueAtMs: NOW_MS + 5_000,
    });
    expect(nextStep(job, failedAttempt, NOW_MS, 0.5)).toMatchObject({ dueAtMs: NOW_MS + 7_500 });
  });

  it("comes another one no sooner than the receiver asked, and no sooner for it", () => {
    const job = aJob({
      state: "processing",
      attempts: 1,
      retry: { kind: "schedule", delaysMs: [10_000] },
    });
    const dueAfter = (leaveAloneMs: number) =>
      nextStep(job, failedAttempt, NOW_MS, 0, leaveAloneMs);
    expect(dueAfter(60_000)).toMatchObject({ dueAtMs: NOW_MS + 60_000 });
    expect(dueAfter(1_000)).toMatchObject({ dueAtMs: NOW_MS + 5_000 });
  });

  it("comes the dead-letter state when the attempts are used up", () => {
    const job = aJob({ state: "processing", attempts: 3, maxAttempts: 3 });
    expect(nextStep(job, failedAttempt, NOW_MS, 0)).toEqual({
      kind: "dlq",
      attempt: failedAttempt,
    });
  });

  it("come max_attempts attempts in all, counting the present sequence alone", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.nat(1_000),
        (maxAttempts, earlierAttempts) => {
          let attempts = 1;
          for (;;) {
            const job = aJob({ state: "processing", attempts, maxAttempts, earlierAttempts });
            if (nextStep(job, failedAttempt, NOW_MS, 0.5).kind === "dlq") break;
            attempts += 1;
          }
          expect(attempts).toBe(maxAttempts);
        },
      ),
    );
  });
});

describe("an attempt whose lease ran out", () => {
  it("is on record as failed with unknown outcome, from its claim to its lease's end", () => {
    const job = aJob({
      state: "processing",
      attempts: 2,
      earlierAttempts: 8,
      lease: { token: "t", claimedAtMs: NOW_MS, untilMs: NOW_MS + 45_000 },
    });
    expect(closedAttempt(job)).toEqual({
      n: 10,
      startedAtMs: NOW_MS,
      finishedAtMs: NOW_MS + 45_000,
      status: "failed",
      httpStatus: null,
      error: expect.stringMatching(/^outcome_unknown: /),
      responseExcerpt: null,
    });
  });

  it("is not made up for a job that nobody holds", () => {
    expect(() => closedAttempt(aJob())).toThrow(/not being processed/);
  });
});
