import type { ChangeMessageVisibilityCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { hideMessage, queueUrlByArn } from "../../../../lambdas/adapters/sqs/hide-message.ts";

const record = { eventSourceARN: "arn:aws:sqs:eu-west-1:1:jobs", receiptHandle: "handle" };

const hidden = async (afterMs: number) => {
  const inputs: ChangeMessageVisibilityCommand["input"][] = [];
  const client = {
    send: async ({ input }: ChangeMessageVisibilityCommand) => inputs.push(input),
  };
  await hideMessage(client as unknown as SQSClient, () => "https://sqs/jobs")(record, afterMs);
  return inputs;
};

describe("a message that is returned to its queue", () => {
  it.each([
    [0, 0],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [45_000, 45],
    [43_200_000, 43_200],
    [366 * 86_400_000, 43_200],
  ])("is hidden for at least %i ms, as far as a queue can: %i s", async (afterMs, seconds) => {
    expect(await hidden(afterMs)).toEqual([
      { QueueUrl: "https://sqs/jobs", ReceiptHandle: "handle", VisibilityTimeout: seconds },
    ]);
  });
});

describe("a queue's URL", () => {
  const urlOf = queueUrlByArn(["https://sqs/1/jobs-high", "http://localhost:1/1/jobs"]);

  it("is found by the ARN of the queue's name", () => {
    expect(urlOf("arn:aws:sqs:eu-west-1:1:jobs")).toBe("http://localhost:1/1/jobs");
    expect(urlOf("arn:aws:sqs:eu-west-1:1:jobs-high")).toBe("https://sqs/1/jobs-high");
  });

  it("is not made up for another queue", () => {
    expect(() => urlOf("arn:aws:sqs:eu-west-1:1:high")).toThrow("high");
  });
});
