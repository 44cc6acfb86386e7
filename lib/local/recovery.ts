import { paginateListSchedules } from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { decodeMessage } from "../../lambdas/adapters/sqs/job-queue.ts";
import type { JobRecovery } from "../../lambdas/core/ports.ts";
import type { Job, JobMessage } from "../../lambdas/core/rules/job.ts";
import { recoverJobs } from "../../lambdas/core/usecases/recover-jobs.ts";
import type { RecoverDeps } from "../../lambdas/core/usecases/recover-jobs.ts";
import { priorities } from "../topology.ts";
import type { QueueName } from "../topology.ts";
import { SCHEDULE_GROUP } from "./provision.ts";

/** A job that is due for this long, while no message waits to be received, has lost its message. */
const OVERDUE_MS = 120_000;

export interface LocalRecovery {
  /** Ends the leases of attempts that a killed runtime was making, and hands their jobs over. */
  endFormerLeases(messageBodies: readonly string[]): Promise<void>;
  /** Puts back what should be in the queues and is not; resolves to how many messages it sent. */
  restoreLostMessages(): Promise<number>;
}

/**
 * What a runtime does about its former life. It alone holds the data, so what was under way when it
 * was killed is known to be dead.
 */
export const makeLocalRecovery = (
  { recovery, queue, clock }: RecoverDeps,
  { sqs, scheduler }: { readonly sqs: SQSClient; readonly scheduler: SchedulerClient },
  queueUrls: Readonly<Record<QueueName, string>>,
): LocalRecovery => {
  return {
    async endFormerLeases(messageBodies) {
      await Promise.all(
        messageBodies.map(async (body) => {
          const message = readMessage(body);
          if (!message) return;
          await recovery.endLease(message, clock.now());
          await queue.send(message, 0);
        }),
      );
    },

    async restoreLostMessages() {
      const startedAtMs = clock.now();
      // Schedules first: one that fires meanwhile counts twice, which hides a loss until the next
      // start; the other way round it would count as lost, and every job be sent again.
      const scheduled = await countSchedules(scheduler);
      const messages = await countMessages(
        sqs,
        readQueues.map((name) => queueUrls[name]),
      );
      let unfinished = 0;
      const overdue: Job[] = [];
      for await (const jobs of recovery.unfinishedJobs()) {
        const earlier = jobs.filter(({ createdAtMs }) => createdAtMs < startedAtMs);
        unfinished += earlier.length;
        if (messages.visible === 0) {
          overdue.push(...earlier.filter((job) => isOverdue(job, startedAtMs)));
        }
      }
      // Fewer messages than jobs: the queues or the schedules were lost, whole or in part, and
      // nobody knows which.
      if (messages.total + scheduled < unfinished) return recoverJobs({ recovery, queue });
      if (overdue.length === 0) return 0;
      return recoverJobs({ recovery: onlyThese(recovery, overdue), queue });
    },
  };
};

/** All but `parked`, whose messages nobody receives: they would pass for jobs' messages for ever. */
const readQueues = [...priorities, "deadLetters"] as const;

/** A body that is none of ours belongs to no job. */
const readMessage = (body: string): JobMessage | undefined => {
  try {
    return decodeMessage(body);
  } catch {
    return undefined;
  }
};

const isOverdue = (job: Job, nowMs: number): boolean =>
  nowMs - Math.max(job.lease?.untilMs ?? job.dueAtMs, job.updatedAtMs) > OVERDUE_MS;

const onlyThese = (recovery: JobRecovery, jobs: readonly Job[]): JobRecovery => ({
  ...recovery,
  async *unfinishedJobs() {
    yield await Promise.resolve(jobs);
  },
});

/** Each is a message that has not been sent yet. */
const countSchedules = async (client: SchedulerClient): Promise<number> => {
  let count = 0;
  const pages = paginateListSchedules({ client, pageSize: 100 }, { GroupName: SCHEDULE_GROUP });
  for await (const { Schedules: page = [] } of pages) count += page.length;
  return count;
};

const countMessages = async (
  sqs: SQSClient,
  queueUrls: readonly string[],
): Promise<{ readonly visible: number; readonly total: number }> => {
  const counts = await Promise.all(
    queueUrls.map(async (url) => {
      const { Attributes: attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
      );
      return [
        Number(attributes["ApproximateNumberOfMessages"] ?? 0),
        Number(attributes["ApproximateNumberOfMessagesNotVisible"] ?? 0) +
          Number(attributes["ApproximateNumberOfMessagesDelayed"] ?? 0),
      ] as const;
    }),
  );
  const visible = counts.reduce((sum, [ready]) => sum + ready, 0);
  return { visible, total: counts.reduce((sum, [, hidden]) => sum + hidden, visible) };
};
