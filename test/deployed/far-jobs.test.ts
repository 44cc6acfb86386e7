import {
  GetScheduleCommand,
  paginateListSchedules,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { describe, expect, inject, it } from "vitest";
import { decodeMessage } from "../../lambdas/adapters/sqs/job-queue.ts";
import { apiAt, jobTo } from "../support/api.ts";
import { clientsOf } from "../support/deployed-clients.ts";
import { eventually } from "../support/eventually.ts";
import { atExpression } from "../support/schedules.ts";

const api = apiAt(inject("baseUrl"));
const deployment = inject("deployment");
const { scheduler, sqs } = clientsOf(deployment);
const GroupName = deployment.outputs["ScheduleGroup"] ?? "";
const url = "https://example.com/hook";

const scheduleOf = async (id: string) => {
  for await (const { Schedules: page = [] } of paginateListSchedules(
    { client: scheduler },
    { GroupName },
  )) {
    for (const { Name } of page) {
      const schedule = await scheduler.send(new GetScheduleCommand({ Name, GroupName }));
      if (decodeMessage(schedule.Target?.Input ?? "").jobId === id) return schedule;
    }
  }
  return undefined;
};
const far = (ms: number) => new Date(Date.now() + ms).toISOString();

describe("a job that is further ahead than a queue can delay", () => {
  it("waits as a schedule, which goes when the job is cancelled", async () => {
    const id = await api.accepted(jobTo(url, { execute_at: far(366 * 24 * 3_600_000 - 60_000) }));
    expect(await scheduleOf(id)).toMatchObject({
      ActionAfterCompletion: "DELETE",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: deployment.outputs["QueueArnNormal"],
        RoleArn: deployment.outputs["ScheduleRoleArn"],
        DeadLetterConfig: { Arn: deployment.outputs["QueueArnDeadLetters"] },
      },
    });
    const cancelled = await fetch(`${api.baseUrl}/v1/jobs/${id}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
    expect(await scheduleOf(id)).toBeUndefined();
  });

  it("is handed to the queue when the schedule fires, and waits there for its time", async () => {
    const id = await api.accepted(jobTo(url, { execute_at: far(902_000), priority: "high" }));
    const { Name, Target, FlexibleTimeWindow, ActionAfterCompletion } =
      (await scheduleOf(id)) ?? expect.fail("there is no schedule");
    // As if its hour had come; a server of Scheduler has no other way to move time.
    await scheduler.send(
      new UpdateScheduleCommand({
        Name,
        GroupName,
        Target,
        FlexibleTimeWindow,
        ActionAfterCompletion,
        ScheduleExpression: atExpression(Date.now() + 3_000),
      }),
    );
    await eventually(
      "its message is delayed in the queue",
      async () => {
        const { Attributes } = await sqs.send(
          new GetQueueAttributesCommand({
            QueueUrl: deployment.outputs["QueueUrlHigh"],
            AttributeNames: ["ApproximateNumberOfMessagesDelayed"],
          }),
        );
        return Attributes?.["ApproximateNumberOfMessagesDelayed"] !== "0" || undefined;
      },
      40_000,
    );
    expect(await scheduleOf(id)).toBeUndefined();
    expect(await api.job(id)).toMatchObject({ status: "scheduled", attempts: 0 });
  });
});
