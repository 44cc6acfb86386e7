import {
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import { hashOfParts } from "../../core/rules/ids.ts";
import type { JobMessage, Priority } from "../../core/rules/job.ts";
import { encodeMessage } from "../sqs/job-queue.ts";

/** Where schedules live, and what they send to. */
export interface ScheduleTargets {
  readonly group: string;
  /** What Scheduler may do: the role that it assumes to send. */
  readonly roleArn: string;
  readonly queueArns: Readonly<Record<Priority, string>>;
  /** Gets what Scheduler could not send for a day. */
  readonly deadLettersArn: string;
}

/** Jobs' messages as one-time schedules, each of which sends one message and is gone. */
export interface JobScheduler {
  /** Once this resolves, the message reaches its queue at least once, a while before `dueAtMs`. */
  schedule(message: JobMessage, dueAtMs: number): Promise<void>;
  /** Once this resolves, no such schedule stands. */
  unschedule(message: JobMessage, dueAtMs: number): Promise<void>;
}

/** So that whoever waits has time left for another way: see `clientLimits`. */
const LIMIT_MS = 3_000;

/**
 * EventBridge Scheduler promises the minute, SQS the second: a schedule fires early, and SQS covers
 * the last stretch. At least that minute early, with half a minute for the way; at most 14 minutes,
 * so that SQS can take it from there. How early is up to the job's id, so that a million jobs for
 * nine o'clock do not meet the thousand firings a second that Scheduler allows.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
const LEAST_EARLY_SECONDS = 90;
const MOST_EARLY_SECONDS = 840;

/** Whole seconds, as `at(...)` counts, never later than meant. */
export const fireAtMs = (jobId: string, dueAtMs: number): number => {
  const spread = MOST_EARLY_SECONDS - LEAST_EARLY_SECONDS + 1;
  const earlySeconds = LEAST_EARLY_SECONDS + (hashOfParts("early", jobId).readUInt32BE(0) % spread);
  return (Math.floor(dueAtMs / 1_000) - earlySeconds) * 1_000;
};

/**
 * One name for one message and instant, so that creating it twice is creating it once. Names have
 * at most 64 characters of `0-9A-Za-z-_.`: a SHA-256 in base64url has 43.
 */
export const scheduleName = ({ jobId, generation, attempt }: JobMessage, dueAtMs: number): string =>
  hashOfParts(
    "schedule",
    jobId,
    String(generation),
    String(attempt),
    String(fireAtMs(jobId, dueAtMs)),
  ).toString("base64url");

export const makeJobScheduler = (
  client: SchedulerClient,
  { group, roleArn, queueArns, deadLettersArn }: ScheduleTargets,
): JobScheduler => ({
  async schedule(message, dueAtMs) {
    const firesAt = new Date(fireAtMs(message.jobId, dueAtMs)).toISOString().slice(0, 19);
    const create = new CreateScheduleCommand({
      Name: scheduleName(message, dueAtMs),
      GroupName: group,
      ScheduleExpression: `at(${firesAt})`,
      ScheduleExpressionTimezone: "UTC",
      FlexibleTimeWindow: { Mode: "OFF" },
      ActionAfterCompletion: "DELETE",
      Target: {
        Arn: queueArns[message.priority],
        RoleArn: roleArn,
        Input: encodeMessage({ ...message, notBeforeMs: dueAtMs }),
        // The most that there is; after that, the dead letters.
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
        DeadLetterConfig: { Arn: deadLettersArn },
      },
    });
    try {
      await client.send(create, { abortSignal: AbortSignal.timeout(LIMIT_MS) });
    } catch (error) {
      // It stands already, and the name says that it is this very message.
      if (!(error instanceof ConflictException)) throw error;
    }
  },

  async unschedule(message, dueAtMs) {
    const remove = new DeleteScheduleCommand({
      Name: scheduleName(message, dueAtMs),
      GroupName: group,
    });
    try {
      await client.send(remove, { abortSignal: AbortSignal.timeout(LIMIT_MS) });
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
  },
});
