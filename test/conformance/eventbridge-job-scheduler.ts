import { randomUUID } from "node:crypto";
import { CreateScheduleGroupCommand, ListSchedulesCommand } from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import { makeJobScheduler } from "../../lambdas/adapters/scheduler/job-scheduler.ts";
import { queueArnOf } from "../support/schedules.ts";
import type { JobSchedulerStage } from "./job-scheduler.suite.ts";

/** Our scheduler port in a new group of a server of EventBridge Scheduler. */
export const eventBridgeJobSchedulerStage = async (
  client: SchedulerClient,
): Promise<JobSchedulerStage> => {
  const group = `conformance-${randomUUID()}`;
  await client.send(new CreateScheduleGroupCommand({ Name: group }));
  return {
    scheduler: makeJobScheduler(client, {
      group,
      roleArn: "arn:aws:iam::000000000000:role/any",
      queueArns: {
        high: queueArnOf("high"),
        normal: queueArnOf("normal"),
        low: queueArnOf("low"),
      },
      deadLettersArn: queueArnOf("dead-letters"),
    }),
    async standing() {
      const { Schedules: schedules = [] } = await client.send(
        new ListSchedulesCommand({ GroupName: group }),
      );
      return schedules.length;
    },
  };
};
