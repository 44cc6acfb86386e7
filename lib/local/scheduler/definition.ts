import * as z from "zod";
import { invalid } from "./errors.ts";
import { instantOf } from "./expression.ts";

/**
 * What a caller says of a schedule, as CreateSchedule and UpdateSchedule take it.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
 */

export const nameText = z
  .string()
  .regex(/^[0-9a-zA-Z-_.]{1,64}$/, "must have 1 to 64 of 0-9 A-Z a-z - _ .");

const queueArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}$/,
    "must be the ARN of a standard queue: this server sends to SQS only",
  );

const definition = z.object({
  ScheduleExpression: z.string().min(1).max(256),
  ScheduleExpressionTimezone: z.string().min(1).max(50).default("UTC"),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  ActionAfterCompletion: z.enum(["NONE", "DELETE"]).default("NONE"),
  Description: z.string().max(512).optional(),
  FlexibleTimeWindow: z.union([
    z.object({ Mode: z.literal("OFF") }),
    z.object({ Mode: z.literal("FLEXIBLE"), MaximumWindowInMinutes: z.int().min(1).max(1_440) }),
  ]),
  Target: z.object({
    Arn: queueArn,
    RoleArn: z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/),
    Input: z.string().min(1).max(262_144),
    RetryPolicy: z
      .object({
        MaximumEventAgeInSeconds: z.int().min(60).max(86_400).default(86_400),
        MaximumRetryAttempts: z.int().min(0).max(185).default(185),
      })
      .prefault({}),
    DeadLetterConfig: z.object({ Arn: queueArn.optional() }).optional(),
  }),
});

export type ScheduleDefinition = z.output<typeof definition>;

const envelope = z.object({
  GroupName: nameText.default("default"),
  ClientToken: z.string().min(1).max(64).optional(),
});

export interface ScheduleInput {
  readonly group: string;
  readonly clientToken: string | undefined;
  readonly definition: ScheduleDefinition;
  readonly fireAtMs: number;
}

/** @throws SchedulerError that names every wrong member, or the instant that has passed */
export const readScheduleInput = (body: unknown, nowMs: number): ScheduleInput => {
  const { GroupName: group, ClientToken: clientToken } = parse(envelope, body);
  const read = parse(definition, body);
  const fireAtMs = instantOf(read.ScheduleExpression, read.ScheduleExpressionTimezone);
  if (fireAtMs < nowMs) {
    throw invalid(`Invalid Schedule Expression ${read.ScheduleExpression}. It is in the past.`);
  }
  return { group, clientToken, definition: read, fireAtMs };
};

export const parse = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `'${path.join(".")}' ${message}`);
  throw invalid(`${faults.length} validation error(s) detected: ${faults.join("; ")}`);
};
