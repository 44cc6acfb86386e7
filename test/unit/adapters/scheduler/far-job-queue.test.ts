import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeFarJobQueue } from "../../../../lambdas/adapters/scheduler/far-job-queue.ts";
import { fireAtMs } from "../../../../lambdas/adapters/scheduler/job-scheduler.ts";
import type { JobMessage } from "../../../../lambdas/core/rules/job.ts";
import { JOB_ID, NOW_MS } from "../../support/a-job.ts";

const message: JobMessage = {
  jobId: JOB_ID,
  priority: "normal",
  generation: 0,
  attempt: 1,
  destinationKey: "t1#AAAAAAAAAAAAAAAA",
};
const MINUTE_MS = 60_000;

/** The queue between a queue and a scheduler that write down what they are asked. */
const standing = (trouble: { scheduler?: string; near?: string } = {}) => {
  const calls: string[] = [];
  const told: string[] = [];
  const asked = (what: string, fault: string | undefined) => (_: JobMessage, dueAtMs: number) => {
    calls.push(`${what} +${dueAtMs - NOW_MS}`);
    return fault === undefined ? Promise.resolve() : Promise.reject(new Error(fault));
  };
  const queue = makeFarJobQueue({
    near: { send: asked("send", trouble.near), withdraw: asked("withdraw", undefined) },
    scheduler: {
      schedule: asked("schedule", trouble.scheduler),
      unschedule: asked("unschedule", trouble.scheduler),
    },
    clock: { now: () => NOW_MS },
    failed: (what, { jobId }, error) => told.push(`${what} ${jobId}: ${String(error)}`),
  });
  return { queue, calls, told };
};

describe("the queue for any instant", () => {
  it.each([
    [-1_000, "send"],
    [0, "send"],
    [899_500, "send"],
    [900_000, "send"],
    [900_001, "schedule"],
    [900_500, "schedule"],
    [961_000, "schedule"],
    [366 * 86_400_000, "schedule"],
  ])("hands over what is due in %i ms by one call: %s", async (delayMs, call) => {
    const { queue, calls } = standing();
    await queue.send(message, NOW_MS + delayMs);
    expect(calls).toEqual([`${call} +${delayMs}`]);
  });

  it("never makes a schedule that has to fire within this minute, which Scheduler may refuse", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string(),
        fc.integer({ min: 1, max: 400 * 86_400_000 }),
        async (id, ms) => {
          const { queue, calls } = standing();
          await queue.send({ ...message, jobId: id }, NOW_MS + ms);
          if (calls[0]?.startsWith("schedule")) {
            expect(fireAtMs(id, NOW_MS + ms)).toBeGreaterThan(NOW_MS + MINUTE_MS - 1_000);
          }
        },
      ),
    );
  });

  it("falls back to the queue when the schedule is refused, and says so", async () => {
    const { queue, calls, told } = standing({ scheduler: "throttled" });
    await queue.send(message, NOW_MS + 3_600_000);
    expect(calls).toEqual(["schedule +3600000", "send +3600000"]);
    expect(told).toEqual([`schedule ${JOB_ID}: Error: throttled`]);
  });

  it("fails only where the queue fails too", async () => {
    const { queue } = standing({ scheduler: "throttled", near: "no answer" });
    await expect(queue.send(message, NOW_MS + 3_600_000)).rejects.toThrow("no answer");
  });

  it("takes back what may still lie as a schedule, and asks for nothing else", async () => {
    const firesAtMs = fireAtMs(JOB_ID, NOW_MS + 3_600_000);
    const earlyMs = NOW_MS + 3_600_000 - firesAtMs;
    const { queue, calls } = standing();
    await queue.withdraw(message, 0);
    await queue.withdraw(message, NOW_MS + MINUTE_MS);
    await queue.withdraw(message, NOW_MS + earlyMs);
    expect(calls).toEqual([]);
    await queue.withdraw(message, NOW_MS + earlyMs + 1_000);
    expect(calls).toEqual([`unschedule +${earlyMs + 1_000}`]);
  });

  it("never fails for a message that cannot be taken back, and says so", async () => {
    const { queue, told } = standing({ scheduler: "no answer" });
    await expect(queue.withdraw(message, NOW_MS + 3_600_000)).resolves.toBeUndefined();
    expect(told).toEqual([`unschedule ${JOB_ID}: Error: no answer`]);
  });
});
