import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { makeFarJobQueue } from "../../lambdas/adapters/scheduler/far-job-queue.ts";
import { decodeMessage, makeSqsJobQueue } from "../../lambdas/adapters/sqs/job-queue.ts";
import { eventBridgeJobSchedulerStage } from "./eventbridge-job-scheduler.ts";
import type { JobQueueStage } from "./job-queue.suite.ts";
import { makeQueue, POLL_SECONDS } from "./sqs-queue.ts";

/** Our queue port on three new queues of a server of SQS. */
export const sqsJobQueueStage = async (client: SQSClient): Promise<JobQueueStage> => {
  const queues = {
    high: await makeQueue(client),
    normal: await makeQueue(client),
    low: await makeQueue(client),
  };
  const urls = { high: queues.high.url, normal: queues.normal.url, low: queues.low.url };
  return {
    queue: makeSqsJobQueue(client, urls, { now: () => Date.now() }),
    now: () => Date.now(),
    async receive(from, withinMs) {
      const queue = queues[from];
      const deadlineMs = performance.now() + withinMs;
      for (;;) {
        const leftMs = Math.max(0, deadlineMs - performance.now());
        const waitSeconds = Math.min(POLL_SECONDS, Math.ceil(leftMs / 1_000));
        const [message] = await queue.receive({ max: 1, waitSeconds });
        if (message !== undefined) {
          return {
            message: decodeMessage(message.Body ?? ""),
            atMs: Date.now(),
            delete: async () => void (await queue.remove(message)),
            giveBack: async () => void (await queue.hide(message, 0)),
          };
        }
        if (leftMs === 0) return undefined;
      }
    },
  };
};

/** The same, with schedules for what is far. */
export const farJobQueueStage = async (
  sqs: SQSClient,
  schedulerClient: SchedulerClient,
): Promise<JobQueueStage> => {
  const near = await sqsJobQueueStage(sqs);
  const { scheduler } = await eventBridgeJobSchedulerStage(schedulerClient);
  return {
    ...near,
    queue: makeFarJobQueue({
      near: near.queue,
      scheduler,
      clock: near,
      failed: (what, message, error) => {
        throw new Error(`${what} ${message.jobId} failed`, { cause: error });
      },
    }),
  };
};
