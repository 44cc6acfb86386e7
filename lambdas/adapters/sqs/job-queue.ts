import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import type { Clock, JobQueue } from "../../core/ports.ts";
import type { JobMessage, Priority } from "../../core/rules/job.ts";

/** SQS delays a message for so long at most. */
const MAX_DELAY_MS = 900_000;

/** A message's body on the wire: short, since every send and receive carries it. */
const wireMessage = z.strictObject({
  id: z.string(),
  p: z.enum(["high", "normal", "low"]),
  g: z.int().min(0),
  a: z.int().min(1),
  nb: z.number().optional(),
  dl: z.int().min(1).optional(),
});

export const encodeMessage = (message: JobMessage): string =>
  JSON.stringify({
    id: message.jobId,
    p: message.priority,
    g: message.generation,
    a: message.attempt,
    nb: message.notBeforeMs,
    dl: message.redrives,
  } satisfies { [K in keyof z.infer<typeof wireMessage>]: unknown });

/** @throws Error if the body is not one of ours */
export const decodeMessage = (body: string): JobMessage => {
  const { id, p, g, a, nb, dl } = wireMessage.parse(JSON.parse(body));
  return {
    jobId: id,
    priority: p,
    generation: g,
    attempt: a,
    ...(nb === undefined ? {} : { notBeforeMs: nb }),
    ...(dl === undefined ? {} : { redrives: dl }),
  };
};

/** Jobs' messages over SQS, one queue a priority. */
export const makeSqsJobQueue = (
  client: SQSClient,
  queueUrls: Readonly<Record<Priority, string>>,
  clock: Pick<Clock, "now">,
): JobQueue => ({
  async send(message, delayMs) {
    if (!(delayMs >= 0)) throw new RangeError(`a message cannot be delayed by ${delayMs} ms`);
    const isFar = delayMs > MAX_DELAY_MS;
    const travelling = isFar ? { ...message, notBeforeMs: clock.now() + delayMs } : message;
    await client.send(
      new SendMessageCommand({
        QueueUrl: queueUrls[message.priority],
        MessageBody: encodeMessage(travelling),
        DelaySeconds: Math.ceil(Math.min(delayMs, MAX_DELAY_MS) / 1_000),
      }),
    );
  },
});
