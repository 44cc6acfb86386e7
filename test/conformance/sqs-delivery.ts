import { randomUUID } from "node:crypto";
import { CreateQueueCommand, GetQueueUrlCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { expect } from "vitest";
import { eventually } from "../support/eventually.ts";
import { refusalOf } from "./describe-conformance.ts";
import type { State } from "./describe-conformance.ts";
import { makeQueue, POLL_SECONDS, receiptsOf } from "./sqs-queue.ts";

/** Two clocks, of one machine, are read in whole milliseconds. */
const ROUNDING_MS = 2;
/** AWS names no limit; a job that is later than this misses what docs/DESIGN.md says of it. */
const LATE_MS = 1_500;

/** Sending, delays, polls, bodies and counts. */
export const stateDelivery = (state: State, clientOf: () => SQSClient): void => {
  state("delivers at once what has no delay, as it was sent, for the first time", async () => {
    const queue = await makeQueue(clientOf());
    const body = JSON.stringify({ id: 'job_1 "\\ <&>', p: "normal", g: 0, a: 1 });
    const sentAtMs = Date.now();
    const { MessageId: id } = await queue.send(body, 0);
    const message = await queue.take();
    expect([message.MessageId, message.Body, receiptsOf(message)]).toEqual([id, body, 1]);
    const stamp = Number(message.Attributes?.SentTimestamp);
    expect(Math.abs(stamp - sentAtMs)).toBeLessThan(LATE_MS);
  });

  for (const seconds of [1, 2]) {
    state(`delivers a message after its delay of ${seconds} s, and never before`, async () => {
      const queue = await makeQueue(clientOf());
      const sentAtMs = Date.now();
      await queue.send("late", seconds);
      expect(await queue.receive({ waitSeconds: 0 })).toEqual([]);
      await eventually("it comes", async () => (await queue.receive())[0]);
      const tookMs = Date.now() - sentAtMs;
      expect(tookMs).toBeGreaterThanOrEqual(seconds * 1_000 - ROUNDING_MS);
      expect(tookMs).toBeLessThan(seconds * 1_000 + LATE_MS);
    });
  }

  state("takes a delay of 900 s, and counts the message as delayed", async () => {
    const queue = await makeQueue(clientOf());
    await queue.send("far", 900);
    await eventually("it is counted", async () =>
      (await queue.attribute("ApproximateNumberOfMessagesDelayed")) === "1" ? true : undefined,
    );
    expect(await queue.attribute("ApproximateNumberOfMessages")).toBe("0");
    expect(await queue.receive({ waitSeconds: 0 })).toEqual([]);
  });

  state("refuses a delay over 900 s, and one below 0", async () => {
    const queue = await makeQueue(clientOf());
    expect(await refusalOf(queue.send("too far", 901))).not.toBe("accepted");
    expect(await refusalOf(queue.send("before", -1))).not.toBe("accepted");
  });

  state("counts what waits and what is being worked on", async () => {
    const queue = await makeQueue(clientOf());
    for (const body of ["1", "2", "3"]) await queue.send(body);
    const counted = (visible: string, hidden: string) =>
      eventually(`${visible} visible, ${hidden} hidden`, async () => {
        const found = [
          await queue.attribute("ApproximateNumberOfMessages"),
          await queue.attribute("ApproximateNumberOfMessagesNotVisible"),
        ];
        return found.join() === [visible, hidden].join() ? true : undefined;
      });
    await counted("3", "0");
    const message = await queue.take();
    await counted("2", "1");
    await queue.remove(message);
    await counted("2", "0");
  });

  state("wakes a long poll when a message comes", async () => {
    const queue = await makeQueue(clientOf());
    const startedAtMs = performance.now();
    const poll = queue.receive();
    // A call there and back: by its answer the poll, which went before, has begun.
    await queue.attribute("QueueArn");
    await queue.send("awake");
    expect((await poll).map(({ Body: body }) => body)).toEqual(["awake"]);
    expect(performance.now() - startedAtMs).toBeLessThan(POLL_SECONDS * 1_000 - 200);
  });

  state("wakes a long poll when a delay ends", async () => {
    const queue = await makeQueue(clientOf());
    await queue.send("delayed", 1);
    expect(await queue.receive()).toHaveLength(1);
  });

  state("lets a long poll go on whose message another one took", async () => {
    const queue = await makeQueue(clientOf());
    const startedAtMs = performance.now();
    const poll = async () => {
      const messages = await queue.receive();
      return { count: messages.length, tookMs: performance.now() - startedAtMs };
    };
    const polls = [poll(), poll(), poll()];
    await queue.attribute("QueueArn");
    await queue.send("for one of them");
    const ends = await Promise.all(polls);
    const empty = ends.filter(({ count }) => count === 0);
    expect(empty).toHaveLength(2);
    for (const { tookMs } of empty) {
      expect(tookMs).toBeGreaterThanOrEqual(POLL_SECONDS * 1_000 - ROUNDING_MS);
    }
  });

  state("ends a poll that does not wait at once, and a long one when its time is up", async () => {
    const queue = await makeQueue(clientOf());
    const tookMs = async (waitSeconds: number) => {
      const startedAtMs = performance.now();
      expect(await queue.receive({ waitSeconds })).toEqual([]);
      return performance.now() - startedAtMs;
    };
    expect(await tookMs(0)).toBeLessThan(900);
    expect(await tookMs(1)).toBeGreaterThanOrEqual(1_000 - ROUNDING_MS);
  });

  state("carries text of the whole basic plane", async () => {
    const queue = await makeQueue(clientOf());
    const body = "\t\n Ünïcödé \u4e16\u754c \ud7ff \ue000 \ufffd";
    await queue.send(body);
    expect((await queue.take()).Body).toBe(body);
  });

  state("carries text beyond the basic plane", async () => {
    const queue = await makeQueue(clientOf());
    await queue.send("\u{1f680} \u{10ffff}");
    expect((await queue.take()).Body).toBe("\u{1f680} \u{10ffff}");
  });

  state("keeps messages for 14 days if asked, and for no longer", async () => {
    const queue = await makeQueue(clientOf(), { MessageRetentionPeriod: "1209600" });
    expect(await queue.attribute("MessageRetentionPeriod")).toBe("1209600");
    const longer = makeQueue(clientOf(), { MessageRetentionPeriod: "1209601" });
    expect(await refusalOf(longer)).not.toBe("accepted");
  });

  state("finds a queue by its name, and says so if there is none", async () => {
    const name = `conformance-${randomUUID()}`;
    const find = () => clientOf().send(new GetQueueUrlCommand({ QueueName: name }));
    expect(await refusalOf(find())).toBe("QueueDoesNotExist");
    const { QueueUrl: url } = await clientOf().send(new CreateQueueCommand({ QueueName: name }));
    expect((await find()).QueueUrl).toBe(url);
    expect(url?.split("/").at(-1)).toBe(name);
  });
};
