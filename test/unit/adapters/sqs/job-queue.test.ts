import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeMessage,
  encodeMessage,
  makeSqsJobQueue,
} from "../../../../lambdas/adapters/sqs/job-queue.ts";
import type { JobMessage } from "../../../../lambdas/core/rules/job.ts";
import { JOB_ID, NOW_MS } from "../../support/a-job.ts";

const aMessage = (more: Partial<JobMessage> = {}): JobMessage => ({
  jobId: JOB_ID,
  priority: "normal",
  generation: 0,
  attempt: 1,
  destinationKey: "t1#AAAAAAAAAAAAAAAA",
  ...more,
});

const anyMessage: fc.Arbitrary<JobMessage> = fc.record(
  {
    jobId: fc.string({ unit: "binary" }),
    priority: fc.constantFrom("high", "normal", "low"),
    generation: fc.nat(),
    attempt: fc.integer({ min: 1, max: 50 }),
    destinationKey: fc.string(),
    pace: fc.record(
      {
        bucket: fc.string(),
        rps: fc.double({ min: 0.001, max: 10_000, noNaN: true }),
        burst: fc.integer({ min: 1, max: 10_000 }),
      },
      { noNullPrototype: true },
    ),
    slotMs: fc.integer({ min: 0, max: NOW_MS * 2 }),
    notBeforeMs: fc.integer({ min: 0, max: NOW_MS * 2 }),
    redrives: fc.integer({ min: 1, max: 100 }),
  },
  {
    requiredKeys: ["jobId", "priority", "generation", "attempt", "destinationKey"],
    noNullPrototype: true,
  },
);

describe("a message on the wire", () => {
  it("comes back as it was sent", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toStrictEqual(message);
      }),
    );
  });

  it("is short, since every send and receive carries it", () => {
    expect(encodeMessage(aMessage()).length).toBeLessThan(100);
    expect(encodeMessage(aMessage())).not.toMatch(/nb|dl/);
  });

  it.each([
    ["", "nothing"],
    ["no JSON", "text"],
    ["null", "null"],
    ["[]", "a list"],
    ["{}", "an empty object"],
    ['{"id":"a","p":"normal","g":0}', "no attempt"],
    ['{"id":"a","p":"normal","g":0,"a":0}', "attempt 0"],
    ['{"id":"a","p":"normal","g":-1,"a":1}', "a negative generation"],
    ['{"id":"a","p":"normal","g":0.5,"a":1}', "half a generation"],
    ['{"id":"a","p":"urgent","g":0,"a":1}', "another priority"],
    ['{"id":1,"p":"normal","g":0,"a":1}', "a number for an id"],
    ['{"id":"a","p":"normal","g":"0","a":1}', "a text for a number"],
    ['{"id":"a","p":"normal","g":0,"a":1,"x":1}', "an unknown member"],
    ['{"id":"a","p":"normal","g":0,"a":1,"nb":"soon"}', "a text for a time"],
  ])("is not ours when it reads %s: %s", (body) => {
    expect(() => decodeMessage(body)).toThrow();
  });
});

describe("the queue of jobs", () => {
  const urls = { high: "https://sqs/high", normal: "https://sqs/normal", low: "https://sqs/low" };
  const DAY_MS = 86_400_000;

  const sent = async (message: JobMessage, dueAtMs: number) => {
    const commands: unknown[] = [];
    const client = { send: async (command: unknown) => commands.push(command) };
    const queue = makeSqsJobQueue(client as unknown as SQSClient, urls, { now: () => NOW_MS });
    await queue.send(message, dueAtMs);
    expect(commands).toHaveLength(1);
    const [command] = commands;
    if (!(command instanceof SendMessageCommand)) throw new Error("it sent something else");
    const { QueueUrl: url, DelaySeconds: delaySeconds, MessageBody: body = "" } = command.input;
    return { url, delaySeconds, message: decodeMessage(body) };
  };
  const sentIn = (delayMs: number) => sent(aMessage(), NOW_MS + delayMs);

  it.each(["high", "normal", "low"] as const)(
    "sends a %s message to its queue",
    async (priority) => {
      const message = aMessage({ priority });
      expect(await sent(message, 0)).toEqual({ url: urls[priority], delaySeconds: 0, message });
    },
  );

  it.each([
    [-DAY_MS, 0],
    [-1, 0],
    [0, 0],
    [1, 1],
    [999, 1],
    [1_000, 1],
    [1_001, 2],
    [1_000.5, 2],
    [899_001, 900],
    [899_500, 900],
    [900_000, 900],
  ])("delays what is due in %d ms in whole seconds, never too few: %i s", async (inMs, seconds) => {
    expect(await sentIn(inMs)).toEqual({
      url: urls.normal,
      delaySeconds: seconds,
      message: aMessage(),
    });
  });

  it.each([900_001, 961_000, DAY_MS, 366 * DAY_MS])(
    "delays what is due in %i ms in stretches of 15 minutes: the message carries its time",
    async (inMs) => {
      expect(await sentIn(inMs)).toEqual({
        url: urls.normal,
        delaySeconds: 900,
        message: aMessage({ notBeforeMs: NOW_MS + inMs }),
      });
    },
  );

  it("never lets a message through before its time, nor more than a second late", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 370 * DAY_MS }), async (inMs) => {
        const { delaySeconds = NaN, message } = await sentIn(inMs);
        const reachesMs = Math.max(NOW_MS + delaySeconds * 1_000, message.notBeforeMs ?? 0);
        expect(reachesMs).toBeGreaterThanOrEqual(NOW_MS + inMs);
        expect(reachesMs).toBeLessThan(NOW_MS + inMs + 1_000);
        expect(delaySeconds).toBeLessThanOrEqual(900);
        expect(Number.isInteger(delaySeconds)).toBe(true);
      }),
    );
  });

  it.each([-1, 1, 900_000, NaN, -Infinity])(
    "takes no %d for an instant: it is a delay by mistake",
    async (dueAtMs) => {
      await expect(sent(aMessage(), dueAtMs)).rejects.toThrow(RangeError);
    },
  );

  it("passes an outage on", async () => {
    const client = { send: async () => Promise.reject(new Error("no answer")) };
    const queue = makeSqsJobQueue(client as unknown as SQSClient, urls, { now: () => NOW_MS });
    await expect(queue.send(aMessage(), 0)).rejects.toThrow("no answer");
  });
});
