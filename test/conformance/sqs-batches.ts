import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { Message, SQSClient } from "@aws-sdk/client-sqs";
import { expect } from "vitest";
import { refusalOf } from "./describe-conformance.ts";
import type { State } from "./describe-conformance.ts";
import { makeQueue } from "./sqs-queue.ts";
import type { TestQueue } from "./sqs-queue.ts";

/** Several messages in one call, of which each fares on its own. */
export const stateBatches = (state: State, clientOf: () => SQSClient): void => {
  const entries = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ Id: String(n), MessageBody: `body ${n}` }));
  const bodies = (messages: readonly Message[]) =>
    messages.map(({ Body: body }) => body).toSorted();
  /** SQS may give fewer than there are, so it is asked until nothing comes. */
  const receiveAll = async (queue: TestQueue): Promise<readonly Message[]> => {
    const all: Message[] = [];
    for (;;) {
      const messages = await queue.receive({ waitSeconds: all.length === 0 ? 1 : 0 });
      if (messages.length === 0) return all;
      all.push(...messages);
    }
  };

  state("sends ten messages in one call, and hands out up to ten in one", async () => {
    const queue = await makeQueue(clientOf());
    const { Successful: sent = [], Failed: failed = [] } = await queue.sendBatch(entries(10));
    expect(sent.map(({ Id: id }) => id).toSorted()).toEqual(entries(10).map(({ Id: id }) => id));
    expect(failed).toEqual([]);
    expect(bodies(await receiveAll(queue))).toEqual(
      entries(10).map(({ MessageBody: body }) => body),
    );
  });

  state("hands out no more messages than were asked for", async () => {
    const queue = await makeQueue(clientOf());
    await queue.sendBatch(entries(5));
    expect(await queue.receive({ max: 1 })).toHaveLength(1);
    expect((await queue.receive({ max: 3 })).length).toBeLessThanOrEqual(3);
    const tooMany = clientOf().send(
      new ReceiveMessageCommand({ QueueUrl: queue.url, MaxNumberOfMessages: 11 }),
    );
    expect(await refusalOf(tooMany)).not.toBe("accepted");
  });

  state("refuses a batch of eleven, of none, and one with an id twice, whole", async () => {
    const queue = await makeQueue(clientOf());
    const refusal = (count: number, Id?: string) =>
      refusalOf(queue.sendBatch(entries(count).map((entry) => ({ ...entry, ...(Id && { Id }) }))));
    expect(await refusal(11)).toMatch(/TooManyEntriesInBatchRequest/);
    expect(await refusal(0)).toMatch(/EmptyBatchRequest/);
    expect(await refusal(2, "same")).toMatch(/BatchEntryIdsNotDistinct/);
    expect(await queue.receive({ waitSeconds: 0 })).toEqual([]);
  });

  state("delays each message of a batch by its own", async () => {
    const queue = await makeQueue(clientOf());
    await queue.sendBatch([
      { Id: "far", MessageBody: "far", DelaySeconds: 900 },
      { Id: "near", MessageBody: "near", DelaySeconds: 0 },
    ]);
    expect(bodies(await receiveAll(queue))).toEqual(["near"]);
    expect(await queue.attribute("ApproximateNumberOfMessagesDelayed")).toBe("1");
  });

  state("sends the others of a batch that holds one with a wrong delay, and names it", async () => {
    const queue = await makeQueue(clientOf());
    const { Successful: sent = [], Failed: failed = [] } = await queue.sendBatch([
      { Id: "right", MessageBody: "right" },
      { Id: "wrong", MessageBody: "wrong", DelaySeconds: 901 },
    ]);
    expect(sent.map(({ Id: id }) => id)).toEqual(["right"]);
    expect(failed.map(({ Id: id, SenderFault: isOurs }) => [id, isOurs])).toEqual([
      ["wrong", true],
    ]);
    expect(bodies(await receiveAll(queue))).toEqual(["right"]);
  });

  state(
    "deletes the others of a batch that holds one with a wrong receipt, and names it",
    async () => {
      const queue = await makeQueue(clientOf(), { VisibilityTimeout: "1" });
      await queue.send("deleted");
      const { ReceiptHandle } = await queue.take();
      const { Successful: deleted = [], Failed: failed = [] } = await clientOf().send(
        new DeleteMessageBatchCommand({
          QueueUrl: queue.url,
          Entries: [
            { Id: "right", ReceiptHandle },
            { Id: "wrong", ReceiptHandle: "no receipt" },
          ],
        }),
      );
      expect(deleted.map(({ Id: id }) => id)).toEqual(["right"]);
      expect(failed.map(({ Id: id }) => id)).toEqual(["wrong"]);
      expect(await queue.receive()).toEqual([]);
    },
  );
};
