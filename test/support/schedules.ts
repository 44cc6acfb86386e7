import { ListSchedulesCommand } from "@aws-sdk/client-scheduler";
import type { CreateScheduleCommandInput, SchedulerClient } from "@aws-sdk/client-scheduler";

/** `at(...)` for an instant, which Scheduler takes in whole seconds. */
export const atExpression = (atMs: number): string =>
  `at(${new Date(atMs).toISOString().slice(0, 19)})`;

export const queueArnOf = (name: string): string => `arn:aws:sqs:us-east-1:000000000000:${name}`;

/** A one-time schedule that sends `Input` to the queue `jobs`. */
export const aSchedule = (
  name: string,
  atMs: number,
  more: Partial<CreateScheduleCommandInput> = {},
): CreateScheduleCommandInput => ({
  Name: name,
  GroupName: "pulsegate",
  ScheduleExpression: atExpression(atMs),
  FlexibleTimeWindow: { Mode: "OFF" },
  ActionAfterCompletion: "DELETE",
  Target: {
    Arn: queueArnOf("jobs"),
    RoleArn: "arn:aws:iam::000000000000:role/any",
    Input: `input of ${name}`,
  },
  ...more,
});

/** The names of all schedules of the group, in order. */
export const scheduleNames = async (client: SchedulerClient): Promise<readonly string[]> => {
  const { Schedules: schedules = [] } = await client.send(
    new ListSchedulesCommand({ GroupName: "pulsegate" }),
  );
  return schedules.map(({ Name: name = "" }) => name);
};
