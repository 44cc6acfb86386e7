import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fireAtMs, scheduleName } from "../../../../lambdas/adapters/scheduler/job-scheduler.ts";
import { keyedJobId, newJobId } from "../../../../lambdas/core/rules/ids.ts";
import type { JobMessage } from "../../../../lambdas/core/rules/job.ts";
import { JOB_ID, NOW_MS } from "../../support/a-job.ts";

const anyJobId = fc
  .tuple(fc.stringMatching(/^[\w.-]{1,64}$/), fc.stringMatching(/^[ -~]{1,255}$/))
  .map(([tenant, key]) => keyedJobId(tenant, key));
const anyInstant = fc.integer({ min: NOW_MS, max: NOW_MS + 367 * 86_400_000 });
const messageOf = (more: Partial<JobMessage> = {}): JobMessage => ({
  jobId: JOB_ID,
  priority: "normal",
  generation: 0,
  attempt: 1,
  destinationKey: "t1#AAAAAAAAAAAAAAAA",
  ...more,
});

describe("a schedule's time", () => {
  it("is 1 to 14 minutes ahead of the job's, in whole seconds, so that a queue covers the rest", () => {
    fc.assert(
      fc.property(anyJobId, anyInstant, (jobId, dueAtMs) => {
        const firesAt = fireAtMs(jobId, dueAtMs);
        expect(firesAt % 1_000).toBe(0);
        expect(dueAtMs - firesAt).toBeGreaterThanOrEqual(60_000);
        expect(dueAtMs - firesAt).toBeLessThan(15 * 60_000);
      }),
    );
  });

  it("spreads the jobs of one instant, so that few of them fire in one second", () => {
    const counts = new Map<number, number>();
    for (let index = 0; index < 20_000; index += 1) {
      const bytes = new Uint8Array(10);
      new DataView(bytes.buffer).setUint32(0, index);
      const second = fireAtMs(newJobId(NOW_MS, bytes), NOW_MS + 86_400_000);
      counts.set(second, (counts.get(second) ?? 0) + 1);
    }
    expect(counts.size).toBeGreaterThan(600);
    expect(Math.max(...counts.values())).toBeLessThan(100);
  });
});

describe("a schedule's name", () => {
  it("is what Scheduler takes, and the same for the same message and instant", () => {
    fc.assert(
      fc.property(
        anyJobId,
        anyInstant,
        fc.nat(10_000),
        fc.integer({ min: 1, max: 50 }),
        (jobId, dueAtMs, generation, attempt) => {
          const name = scheduleName(messageOf({ jobId, generation, attempt }), dueAtMs);
          expect(name).toMatch(/^[0-9A-Za-z\-_.]{1,64}$/);
          expect(
            scheduleName(messageOf({ jobId, generation, attempt, priority: "low" }), dueAtMs),
          ).toBe(name);
        },
      ),
    );
  });

  it("is another for another job, generation, attempt or instant", () => {
    const names = [
      scheduleName(messageOf(), NOW_MS),
      scheduleName(messageOf({ jobId: JOB_ID.replace(/.$/, "T") }), NOW_MS),
      scheduleName(messageOf({ generation: 1 }), NOW_MS),
      scheduleName(messageOf({ attempt: 2 }), NOW_MS),
      scheduleName(messageOf({ generation: 11, attempt: 1 }), NOW_MS),
      scheduleName(messageOf({ generation: 1, attempt: 11 }), NOW_MS),
      scheduleName(messageOf(), NOW_MS + 1_000),
    ];
    expect(new Set(names).size).toBe(names.length);
  });
});
