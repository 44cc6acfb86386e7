import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { encodeMessage } from "../../lambdas/adapters/sqs/job-queue.ts";
import { apiAt, jobTo } from "../support/api.ts";
import { clientsOf } from "../support/deployed-clients.ts";
import { eventually } from "../support/eventually.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { messageOf } from "../support/stage.ts";

const api = apiAt(inject("baseUrl"));
const deployment = inject("deployment");
const { sqs } = clientsOf(deployment);
const urlOf = (queue: "Low" | "DeadLetters" | "Parked") =>
  deployment.outputs[`QueueUrl${queue}`] ?? "";
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => receiver.answer((_, response) => void response.writeHead(200).end("ok")));
afterAll(() => receiver.stop());

const sendTo = (queue: "Low" | "DeadLetters", body: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody: body }));

const isEmpty = async (queue: "DeadLetters"): Promise<boolean> => {
  const { Attributes: counts = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: urlOf(queue),
      AttributeNames: [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
      ],
    }),
  );
  return Object.values(counts).every((count) => count === "0");
};

describe("a message on the dead-letter queue", () => {
  it("of a job that nothing is wrong with leads to its delivery, once", async () => {
    const id = await api.accepted(
      jobTo(receiver.url, { execute_at: new Date(Date.now() + 8_000).toISOString() }),
    );
    await sendTo("DeadLetters", encodeMessage(messageOf(id)));
    const job = await api.until(id, "success", 30_000);
    expect(job.attempts).toBe(1);
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("of a job that is over changes nothing", async () => {
    const id = await api.accepted(jobTo(receiver.url));
    const before = await api.until(id, "success");
    await sendTo("DeadLetters", encodeMessage(messageOf(id)));
    await eventually("it is gone", async () => (await isEmpty("DeadLetters")) || undefined, 30_000);
    expect(await api.job(id)).toEqual(before);
    expect(receiver.of(id)).toHaveLength(1);
  });
});

describe("a job whose attempts are used up", () => {
  it("is dead-lettered, and carried out when it is retried after the destination is mended", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(
      jobTo(receiver.url, { retry: { schedule_ms: [100], max_attempts: 2 } }),
    );
    await api.until(id, "dlq");
    receiver.answerStatuses(200);
    const retried = await fetch(`${api.baseUrl}/v1/jobs/${id}/retry`, { method: "POST" });
    expect(retried.status).toBe(200);
    expect(await api.until(id, "success")).toMatchObject({ attempts: 1 });
    expect((await api.attempts(id)).map(({ n, status }) => [n, status])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "success"],
    ]);
  });
});

describe("a message that cannot be read", () => {
  it("goes by redrive to the dead-letter queue, and holds nothing up meanwhile", async () => {
    const hideFor = (seconds: number) =>
      sqs.send(
        new SetQueueAttributesCommand({
          QueueUrl: urlOf("Low"),
          Attributes: { VisibilityTimeout: String(seconds) },
        }),
      );
    const poison = "no message of ours";
    await hideFor(1);
    try {
      await sendTo("Low", poison);
      const id = await api.accepted(jobTo(receiver.url, { priority: "low" }));
      await api.until(id, "success");
      // The dead-letter function cannot read it either, so that it stays there until it is parked.
      await eventually(
        "it has been received ten times",
        async () => !(await isEmpty("DeadLetters")) || undefined,
        45_000,
      );
    } finally {
      await hideFor(90);
    }
    const { Messages: parked = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: urlOf("Parked"), MaxNumberOfMessages: 10 }),
    );
    expect(parked.map(({ Body: body }) => body)).not.toContain(poison);
  });
});
