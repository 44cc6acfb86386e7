import type { Clock, JobQueue, JobRecovery } from "../ports.ts";
import { messageFor } from "../rules/job.ts";
import type { Job } from "../rules/job.ts";

export interface RecoverDeps {
  readonly recovery: JobRecovery;
  readonly queue: JobQueue;
  readonly clock: Clock;
}

/** When a job's message ought to be there again: when it is due, or when its worker's lease ends. */
const wantedAtMs = (job: Job): number => job.lease?.untilMs ?? job.dueAtMs;

/**
 * Sends every job that is not over a message anew, for deployments whose queue was purged or lost.
 * Safe at any time, and any number of times: a message too many is deleted by the rules.
 *
 * @returns how many messages were sent
 */
export const recoverJobs = async ({
  recovery,
  queue,
}: Pick<RecoverDeps, "recovery" | "queue">): Promise<number> => {
  let sent = 0;
  for await (const jobs of recovery.unfinishedJobs()) {
    await Promise.all(jobs.map((job) => queue.send(messageFor(job), wantedAtMs(job))));
    sent += jobs.length;
  }
  return sent;
};
