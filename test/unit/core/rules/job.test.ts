import { describe, expect, it } from "vitest";
import {
  attemptNumber,
  currentAttempt,
  finishedAttempts,
  isTerminal,
  messageFor,
  statusOf,
} from "../../../../lambdas/core/rules/job.ts";
import { JOB_ID, NOW_MS, aJob, leaseLeft } from "../../support/a-job.ts";

describe("a job's status", () => {
  it.each([
    ["scheduled", { state: "waiting", dueAtMs: NOW_MS + 1 }],
    ["queued", { state: "waiting", dueAtMs: NOW_MS }],
    ["queued", { state: "waiting", dueAtMs: 0 }],
    ["processing", { state: "processing", dueAtMs: NOW_MS + 1 }],
    ["success", { state: "success", dueAtMs: NOW_MS + 1 }],
    ["failed", { state: "failed" }],
    ["dlq", { state: "dlq" }],
    ["cancelled", { state: "cancelled", dueAtMs: NOW_MS + 1 }],
  ] as const)("reads %s for %o", (status, more) => {
    expect(statusOf(aJob(more), NOW_MS)).toBe(status);
  });

  it.each([
    ["waiting", false],
    ["processing", false],
    ["success", true],
    ["failed", true],
    ["dlq", true],
    ["cancelled", true],
  ] as const)("%s is over: %s", (state, isOver) => {
    expect(isTerminal(state)).toBe(isOver);
  });
});

describe("a job's attempts", () => {
  it("are counted by claims: a waiting job is at the next one, a processing job at its last", () => {
    expect(currentAttempt(aJob({ attempts: 0 }))).toBe(1);
    expect(currentAttempt(aJob({ attempts: 3 }))).toBe(4);
    expect(currentAttempt(aJob({ state: "processing", attempts: 3 }))).toBe(3);
  });

  it("are numbered on over manual retries", () => {
    const job = aJob({ state: "processing", attempts: 2, earlierAttempts: 8 });
    expect(attemptNumber(job)).toBe(10);
    expect(finishedAttempts(job)).toBe(9);
    expect(finishedAttempts({ ...job, state: "dlq" })).toBe(10);
    expect(finishedAttempts(aJob())).toBe(0);
  });
});

describe("a job's message", () => {
  it("asks for the attempt that a waiting job comes to next", () => {
    expect(messageFor(aJob({ priority: "low", generation: 2, attempts: 4 }))).toEqual({
      jobId: JOB_ID,
      priority: "low",
      generation: 2,
      attempt: 5,
      destinationKey: "t1#AAAAAAAAAAAAAAAA",
    });
  });

  it("says how fast it may start, so that a job can wait that nobody has read", () => {
    const pace = { bucket: "t1#BBBBBBBBBBBBBBBB", rps: 0.5, burst: 3 };
    expect(messageFor(aJob({ pace }), { generation: 7, attempt: 1 })).toMatchObject({
      generation: 7,
      attempt: 1,
      pace,
    });
  });

  it("asks for the attempt that a processing job is at, so that a dead worker's is closed", () => {
    const job = aJob({ state: "processing", attempts: 4, lease: leaseLeft(1) });
    expect(messageFor(job).attempt).toBe(4);
  });
});
