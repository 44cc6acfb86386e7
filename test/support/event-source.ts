import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import pLimit from "p-limit";
import { Places } from "../../lib/local/places.ts";
import type { QueueFunction } from "../../lambdas/middleware/queue.ts";
import { localSqs } from "../../lib/local/clients.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import { startEventSource } from "../../lib/local/event-source.ts";
import type { EventSource, EventSourceOptions } from "../../lib/local/event-source.ts";
import type { InFlightJournal } from "../../lib/local/in-flight-journal.ts";

/** A queue of its own for a test, on the embedded queue server. */
export interface TestQueue {
  readonly url: string;
  readonly arn: string;
  send(...bodies: readonly string[]): Promise<void>;
  sendLater(body: string, delaySeconds: number): Promise<void>;
  /** Bodies of messages that nobody holds. They are hidden from then on. */
  receive(): Promise<readonly string[]>;
  counts(): Promise<{ readonly visible: number; readonly hidden: number }>;
}

export interface QueueServer {
  readonly endpoint: string;
  readonly client: SQSClient;
  queue(attributes?: {
    readonly visibilitySeconds?: number;
    readonly redrive?: { readonly to: TestQueue; readonly maxReceives: number };
  }): Promise<TestQueue>;
  stop(): Promise<void>;
}

export const startQueueServer = async (): Promise<QueueServer> => {
  const dataDir = await mkdtemp(join(tmpdir(), "pulsegate-queues-"));
  const emulators = await startEmulators({ dataDir, dynamodb: false, sqs: true, scheduler: false });
  const endpoint = emulators.sqsEndpoint ?? "";
  const client = localSqs(endpoint);
  return {
    endpoint,
    client,
    async queue({ visibilitySeconds = 30, redrive } = {}) {
      const { QueueUrl: url = "" } = await client.send(
        new CreateQueueCommand({
          QueueName: randomUUID(),
          Attributes: {
            VisibilityTimeout: String(visibilitySeconds),
            ...(redrive && {
              RedrivePolicy: JSON.stringify({
                deadLetterTargetArn: redrive.to.arn,
                maxReceiveCount: redrive.maxReceives,
              }),
            }),
          },
        }),
      );
      return queueAt(client, url);
    },
    async stop() {
      client.destroy();
      await emulators.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

const queueAt = (client: SQSClient, url: string): TestQueue => ({
  url,
  arn: `arn:aws:sqs:us-east-1:000000000000:${url.split("/").at(-1)}`,
  async send(...bodies) {
    for (const MessageBody of bodies) {
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));
    }
  },
  async sendLater(MessageBody, DelaySeconds) {
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody, DelaySeconds }));
  },
  async receive() {
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }),
    );
    return messages.map(({ Body: body = "" }) => body);
  },
  async counts() {
    const { Attributes: attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
    );
    return {
      visible: Number(attributes["ApproximateNumberOfMessages"]),
      hidden: Number(attributes["ApproximateNumberOfMessagesNotVisible"]),
    };
  },
});

export const allDone: SQSBatchResponse = { batchItemFailures: [] };
export const failed = (...ids: readonly string[]): SQSBatchResponse => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

export const bodiesOf = (records: readonly SQSRecord[]): readonly string[] =>
  records.map(({ body }) => body);
export const receivesOf = ({ attributes }: SQSRecord): number =>
  Number(attributes.ApproximateReceiveCount);

/** A function that remembers its batches; the n-th answer is to the n-th batch, the last to all that follow. */
export const functionThat = (
  ...answers: readonly ((records: readonly SQSRecord[]) => unknown)[]
): { readonly handler: QueueFunction; readonly batches: (readonly SQSRecord[])[] } => {
  const batches: (readonly SQSRecord[])[] = [];
  return {
    batches,
    handler: async ({ Records: records }) => {
      const answer = answers[Math.min(batches.length, answers.length - 1)];
      batches.push(records);
      return (await answer?.(records)) as SQSBatchResponse;
    },
  };
};

/** A door that opens once: whoever waits at it goes on from then. */
export const door = () => {
  let open = () => undefined as void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
};

export const noJournal: InFlightJournal = {
  leftOver: [],
  began: () => undefined,
  ended: () => undefined,
  forgetLeftOver: () => undefined,
  close: () => undefined,
};

/** An event source as a runtime starts it, with what a test changes. */
export const sourceOf = (
  client: SQSClient,
  queue: TestQueue,
  handler: QueueFunction,
  more: Partial<EventSourceOptions> = {},
): EventSource =>
  startEventSource({
    client,
    queueUrl: queue.url,
    queueArn: queue.arn,
    functionName: "deliver",
    handler,
    batchSize: 1,
    places: new Places(pLimit(20)),
    timeoutMs: 45_000,
    visibilityMs: 30_000,
    journal: noJournal,
    ...more,
  });
