import type { SQSClient } from "@aws-sdk/client-sqs";
import { expect } from "vitest";
import { eventually } from "../support/eventually.ts";
import { refusalOf } from "./describe-conformance.ts";
import type { State } from "./describe-conformance.ts";
import { makeQueue, receiptsOf } from "./sqs-queue.ts";
import type { TestQueue } from "./sqs-queue.ts";

const ROUNDING_MS = 2;
const MAX_HIDDEN_SECONDS = 43_200;

/** What is received and not deleted: when it comes again, and where it goes in the end. */
export const stateVisibility = (state: State, clientOf: () => SQSClient): void => {
  const again = (queue: TestQueue, hideSeconds?: number) =>
    eventually("it comes again", async () => {
      const [message] = await queue.receive(hideSeconds === undefined ? {} : { hideSeconds });
      return message;
    });

  state("delivers again what was not deleted, after the visibility timeout", async () => {
    const queue = await makeQueue(clientOf(), { VisibilityTimeout: "1" });
    const { MessageId: id } = await queue.send("not deleted");
    const startedAtMs = Date.now();
    const first = await queue.take();
    const second = await again(queue);
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(1_000 - ROUNDING_MS);
    expect([second.MessageId, second.Body, receiptsOf(second)]).toEqual([id, "not deleted", 2]);
    expect(second.ReceiptHandle).not.toBe(first.ReceiptHandle);
  });

  state("hides a message for as long as its receiver asks", async () => {
    const queue = await makeQueue(clientOf(), { VisibilityTimeout: "1" });
    await queue.send("for longer");
    const startedAtMs = Date.now();
    await queue.take(2);
    await again(queue);
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(2_000 - ROUNDING_MS);
  });

  state("gives a message back at once whose visibility is set to 0", async () => {
    const queue = await makeQueue(clientOf(), { VisibilityTimeout: "90" });
    await queue.send("given back");
    await queue.hide(await queue.take(), 0);
    expect(receiptsOf(await queue.take())).toBe(2);
  });

  state("wakes a long poll when a message is given back", async () => {
    const queue = await makeQueue(clientOf(), { VisibilityTimeout: "90" });
    await queue.send("given back");
    const message = await queue.take();
    const poll = queue.receive();
    await queue.attribute("QueueArn");
    await queue.hide(message, 0);
    expect(await poll).toHaveLength(1);
  });

  state("hides a message from now on for as long as ChangeMessageVisibility says", async () => {
    const queue = await makeQueue(clientOf(), { VisibilityTimeout: "90" });
    await queue.send("sooner");
    const message = await queue.take();
    const startedAtMs = Date.now();
    await queue.hide(message, 1);
    expect(receiptsOf(await again(queue))).toBe(2);
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(1_000 - ROUNDING_MS);
  });

  state("hides a message for twelve hours, and refuses more", async () => {
    const queue = await makeQueue(clientOf());
    await queue.send("long");
    const message = await queue.take();
    await queue.hide(message, MAX_HIDDEN_SECONDS - 60);
    expect(await refusalOf(queue.hide(message, MAX_HIDDEN_SECONDS + 1))).not.toBe("accepted");
  });

  state("refuses to hide what is no longer in flight", async () => {
    const queue = await makeQueue(clientOf());
    await queue.send("back already");
    const message = await queue.take();
    await queue.hide(message, 0);
    expect(await refusalOf(queue.hide(message, 30))).toBe("MessageNotInflight");
  });

  state("delivers what was deleted to nobody any more", async () => {
    const queue = await makeQueue(clientOf(), { VisibilityTimeout: "1" });
    await queue.send("deleted");
    await queue.remove(await queue.take());
    expect(await queue.receive()).toEqual([]);
  });

  state("answers a delete by an old receipt well, and one by the latest deletes", async () => {
    const queue = await makeQueue(clientOf(), { VisibilityTimeout: "1" });
    await queue.send("received twice");
    const first = await queue.take(0);
    const second = await again(queue, 1);
    await queue.remove(first);
    await queue.remove(second);
    expect(await queue.receive()).toEqual([]);
  });

  state("moves a message to the dead letters that was received too often, unchanged", async () => {
    const deadLetters = await makeQueue(clientOf());
    const queue = await makeQueue(clientOf(), {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: await deadLetters.attribute("QueueArn"),
        maxReceiveCount: 2,
      }),
    });
    const body = JSON.stringify({ id: 'job_1 "\\', p: "normal", g: 0, a: 1 });
    const { MessageId: id } = await queue.send(body);
    for (const receipts of [1, 2]) {
      const message = await queue.take();
      expect(receiptsOf(message)).toBe(receipts);
      await queue.hide(message, 0);
    }
    expect(await queue.receive({ waitSeconds: 1 })).toEqual([]);
    const dead = await deadLetters.take();
    expect([dead.MessageId, dead.Body]).toEqual([id, body]);
    await deadLetters.remove(dead);
    expect(await deadLetters.receive({ waitSeconds: 0 })).toEqual([]);
  });

  state("moves nothing to the dead letters that was deleted in time", async () => {
    const deadLetters = await makeQueue(clientOf());
    const queue = await makeQueue(clientOf(), {
      VisibilityTimeout: "1",
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: await deadLetters.attribute("QueueArn"),
        maxReceiveCount: 1,
      }),
    });
    await queue.send("deleted");
    await queue.remove(await queue.take());
    expect(await queue.receive()).toEqual([]);
    expect(await deadLetters.receive({ waitSeconds: 0 })).toEqual([]);
  });
};
