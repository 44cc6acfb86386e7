import { expect } from "vitest";
import type { JobScheduler } from "../../lambdas/adapters/scheduler/job-scheduler.ts";
import type { JobMessage } from "../../lambdas/core/rules/job.ts";
import { describeConformance } from "./describe-conformance.ts";

/** A scheduler with a look at what stands. */
export interface JobSchedulerStage {
  readonly scheduler: JobScheduler;
  /** How many schedules stand. */
  readonly standing: () => Promise<number>;
}

const HOUR_MS = 3_600_000;

/**
 * What every `JobScheduler` does, short of firing, which is due a quarter of an hour ahead at least.
 *
 * @param make a stage of a test's own, without schedules
 */
export const describeJobScheduler = (
  what: string,
  make: () => Promise<JobSchedulerStage>,
): void => {
  describeConformance("JobScheduler", what, (state) => {
    const dueAtMs = Date.now() + HOUR_MS;
    const message: JobMessage = {
      jobId: "job_01HF7YAT00ABCDEFGHJKMNPQRS",
      priority: "normal",
      generation: 0,
      attempt: 1,
      destinationKey: "t1#AAAAAAAAAAAAAAAA",
    };

    state("makes one schedule of a message that is scheduled twice for one instant", async () => {
      const { scheduler, standing } = await make();
      await scheduler.schedule(message, dueAtMs);
      await scheduler.schedule(message, dueAtMs);
      expect(await standing()).toBe(1);
    });

    state("makes one schedule of what is scheduled many times at once", async () => {
      const { scheduler, standing } = await make();
      await Promise.all(Array.from({ length: 5 }, () => scheduler.schedule(message, dueAtMs)));
      expect(await standing()).toBe(1);
    });

    state("makes a schedule for each attempt, generation, job and instant", async () => {
      const { scheduler, standing } = await make();
      await scheduler.schedule(message, dueAtMs);
      await scheduler.schedule({ ...message, attempt: 2 }, dueAtMs);
      await scheduler.schedule({ ...message, generation: 1 }, dueAtMs);
      await scheduler.schedule({ ...message, jobId: "job_other" }, dueAtMs);
      await scheduler.schedule(message, dueAtMs + HOUR_MS);
      await scheduler.schedule({ ...message, priority: "high", jobId: "job_high" }, dueAtMs);
      expect(await standing()).toBe(6);
    });

    state("removes the schedule of a message, and no other; also twice", async () => {
      const { scheduler, standing } = await make();
      await scheduler.schedule(message, dueAtMs);
      await scheduler.schedule({ ...message, attempt: 2 }, dueAtMs);
      await scheduler.unschedule(message, dueAtMs + HOUR_MS);
      expect(await standing()).toBe(2);
      await scheduler.unschedule(message, dueAtMs);
      await scheduler.unschedule(message, dueAtMs);
      expect(await standing()).toBe(1);
    });

    state("schedules again what was removed", async () => {
      const { scheduler, standing } = await make();
      await scheduler.schedule(message, dueAtMs);
      await scheduler.unschedule(message, dueAtMs);
      await scheduler.schedule(message, dueAtMs);
      expect(await standing()).toBe(1);
    });

    state("refuses an instant whose schedule would lie in the past", async () => {
      const { scheduler, standing } = await make();
      await expect(scheduler.schedule(message, Date.now() - HOUR_MS)).rejects.toThrow();
      expect(await standing()).toBe(0);
    });
  });
};
