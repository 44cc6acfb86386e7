import type { SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import type { Clock, JobQueue } from "../../core/ports.ts";
import type { JobMessage, Priority } from "../../core/rules/job.ts";
import { makeMessageSender } from "./message-sender.ts";

/** SQS delays a message for so long at most. */
export const MAX_DELAY_MS = 900_000;

/** The product is younger: what is called an instant and lies before this is a delay by mistake. */
const NO_INSTANT_BEFORE_MS = Date.UTC(2020);

/** A message's body on the wire: short, since every send and receive carries it. */
const wireMessage = z.strictObject({
  id: z.string(),
  p: z.enum(["high", "normal", "low"]),
  g: z.int().min(0),
  a: z.int().min(1),
  d: z.string(),
  r: z.tuple([z.number(), z.number()]).optional(),
  b: z.string().optional(),
  s: z.number().optional(),
  nb: z.number().optional(),
  dl: z.int().min(1).optional(),
});

export const encodeMessage = (message: JobMessage): string =>
  JSON.stringify({
    id: message.jobId,
    p: message.priority,
    g: message.generation,
    a: message.attempt,
    d: message.destinationKey,
    r: message.pace && [message.pace.rps, message.pace.burst],
    b: message.pace?.bucket === message.destinationKey ? undefined : message.pace?.bucket,
    s: message.slotMs,
    nb: message.notBeforeMs,
    dl: message.redrives,
  } satisfies { [K in keyof z.infer<typeof wireMessage>]: unknown });

/** @throws Error if the body is not one of ours */
export const decodeMessage = (body: string): JobMessage => {
  const { id, p, g, a, d, r, b = d, s, nb, dl } = wireMessage.parse(JSON.parse(body));
  return {
    jobId: id,
    priority: p,
    generation: g,
    attempt: a,
    destinationKey: d,
    ...(r === undefined ? {} : { pace: { bucket: b, rps: r[0], burst: r[1] } }),
    ...(s === undefined ? {} : { slotMs: s }),
    ...(nb === undefined ? {} : { notBeforeMs: nb }),
    ...(dl === undefined ? {} : { redrives: dl }),
  };
};

/**
 * Jobs' messages over SQS, one queue a priority. One for later than SQS can delay carries its time,
 * and whoever receives it early hands it on: a receive and a send per quarter of an hour.
 */
export const makeSqsJobQueue = (
  client: SQSClient,
  queueUrls: Readonly<Record<Priority, string>>,
  clock: Pick<Clock, "now">,
): JobQueue => {
  const senders = {
    high: makeMessageSender(client, queueUrls.high),
    normal: makeMessageSender(client, queueUrls.normal),
    low: makeMessageSender(client, queueUrls.low),
  };
  return {
    async send(message, dueAtMs) {
      if (!(dueAtMs === 0 || dueAtMs >= NO_INSTANT_BEFORE_MS)) {
        throw new RangeError(`a message cannot be due at ${dueAtMs}`);
      }
      const leftMs = Math.max(0, dueAtMs - clock.now());
      const isFar = leftMs > MAX_DELAY_MS;
      const travelling = isFar ? { ...message, notBeforeMs: dueAtMs } : message;
      await senders[message.priority]({
        MessageBody: encodeMessage(travelling),
        DelaySeconds: Math.ceil(Math.min(leftMs, MAX_DELAY_MS) / 1_000),
      });
    },

    // SQS deletes a message only for who received it.
    withdraw: () => Promise.resolve(),
  };
};
