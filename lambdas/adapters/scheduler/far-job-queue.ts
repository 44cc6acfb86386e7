import type { Clock, JobQueue } from "../../core/ports.ts";
import type { JobMessage } from "../../core/rules/job.ts";
import { MAX_DELAY_MS } from "../sqs/job-queue.ts";
import { fireAtMs } from "./job-scheduler.ts";
import type { JobScheduler } from "./job-scheduler.ts";

export interface FarJobQueueDeps {
  /** Takes any instant, but dearly what is far. */
  readonly near: JobQueue;
  readonly scheduler: JobScheduler;
  readonly clock: Pick<Clock, "now">;
  /** Told of each call that failed: a missing permission would show nowhere else. */
  readonly failed: (what: "schedule" | "unschedule", message: JobMessage, error: unknown) => void;
}

/**
 * Jobs' messages for any instant: SQS alone up to 15 minutes, a schedule that sends to SQS beyond.
 * A schedule that cannot be made (throttled, refused since its time has passed meanwhile, no answer)
 * costs no job: SQS takes the message as well, and whoever receives it early tries again. After an
 * unknown outcome there may be both, which is a message too many.
 */
export const makeFarJobQueue = ({ near, scheduler, clock, failed }: FarJobQueueDeps): JobQueue => {
  return {
    async send(message, dueAtMs) {
      const isFar = dueAtMs - clock.now() > MAX_DELAY_MS;
      if (isFar && (await isScheduled(message, dueAtMs))) return;
      await near.send(message, dueAtMs);
    },

    async withdraw(message, dueAtMs) {
      // What was to fire by now is gone, or was near from the first.
      if (fireAtMs(message.jobId, dueAtMs) <= clock.now()) return;
      try {
        await scheduler.unschedule(message, dueAtMs);
      } catch (error) {
        failed("unschedule", message, error);
      }
    },
  };

  async function isScheduled(message: JobMessage, dueAtMs: number): Promise<boolean> {
    try {
      await scheduler.schedule(message, dueAtMs);
      return true;
    } catch (error) {
      failed("schedule", message, error);
      return false;
    }
  }
};
