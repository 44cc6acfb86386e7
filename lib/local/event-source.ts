import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { Message, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { setTimeout as sleep } from "node:timers/promises";
import type { QueueFunction } from "../../lambdas/middleware/queue.ts";
import type { InFlightJournal } from "./in-flight-journal.ts";
import { lambdaContext } from "./lambda-context.ts";
import type { Places } from "./places.ts";

/**
 * Lambda's event source mapping for SQS: polls a queue, invokes a function with batches, deletes
 * what it did not report as failed. What it reported stays in the queue until its visibility
 * timeout ends, and is redriven there.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */

export interface EventSourceOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly functionName: string;
  readonly handler: QueueFunction;
  /** Messages in one invocation, at most. */
  readonly batchSize: number;
  /** How long a batch that is not full yet waits for more. */
  readonly windowMs?: number;
  /** Bounds the invocations under way; several event sources may share it. */
  readonly places: Places;
  readonly timeoutMs: number;
  readonly visibilityMs: number;
  readonly journal: InFlightJournal;
}

export interface EventSource {
  /** Receives no more, and resolves when the invocations under way are over. */
  stop(): Promise<void>;
}

/** SQS receives and deletes so many at once, at most. */
const MAX_MESSAGES_IN_CALL = 10;
const LONG_POLL_SECONDS = 20;
const AFTER_OUTAGE_MS = 1_000;

export const startEventSource = (options: EventSourceOptions): EventSource => {
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  /** Resolves when the invocation has its turn, not when it is over. */
  const start = (batch: readonly Message[], receivedAtMs: number): Promise<void> =>
    new Promise((started) => {
      const invocation = options.places
        .in(async () => {
          started();
          // What waited too long for its turn is about to be handed to somebody else.
          const isStale = Date.now() - receivedAtMs > options.visibilityMs / 2;
          if (!stopping.signal.aborted && !isStale) await invoke(options, batch);
        })
        .finally(() => underWay.delete(invocation));
      underWay.add(invocation);
    });

  /**
   * As many messages as there are free places, and a few that wait for the next ones: a received
   * message is hidden, and one that is not invoked in time has lost one of its receives.
   */
  const wanted = async (): Promise<number> => {
    const { places, batchSize } = options;
    await places.whenFree();
    const free = Math.max(1, places.free);
    return Math.min(MAX_MESSAGES_IN_CALL, (free + Math.floor(places.all / 4)) * batchSize);
  };

  const poll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const messages = await receiveWindow(options, await wanted(), stopping.signal);
        const receivedAtMs = Date.now();
        // More is received only when these have their turn: a received message is hidden.
        for (const batch of inBatches(messages, options.batchSize))
          await start(batch, receivedAtMs);
      } catch {
        if (!stopping.signal.aborted) await sleep(AFTER_OUTAGE_MS);
      }
    }
  };

  const polling = poll();
  return {
    async stop() {
      stopping.abort();
      await polling;
      await Promise.all(underWay);
    },
  };
};

const receiveWindow = async (
  options: EventSourceOptions,
  most: number,
  signal: AbortSignal,
): Promise<readonly Message[]> => {
  const messages = await receive(options, most, LONG_POLL_SECONDS, signal);
  const closesAtMs = Date.now() + (options.windowMs ?? 0);
  while (messages.length > 0 && messages.length < options.batchSize) {
    const leftMs = closesAtMs - Date.now();
    if (leftMs <= 0) break;
    try {
      const waitSeconds = Math.min(LONG_POLL_SECONDS, Math.ceil(leftMs / 1_000));
      messages.push(...(await receive(options, most, waitSeconds, signal)));
    } catch {
      // What has come is hidden from everybody else by now: it is worked on.
      break;
    }
  }
  return messages;
};

const receive = async (
  { client, queueUrl }: EventSourceOptions,
  most: number,
  waitSeconds: number,
  abortSignal: AbortSignal,
): Promise<Message[]> => {
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: most,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ["All"],
    }),
    { abortSignal, requestTimeout: (waitSeconds + 5) * 1_000 },
  );
  return messages;
};

const inBatches = <T>(items: readonly T[], size: number): (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );

/** A function that throws, or answers in another form, has settled nothing of its batch. */
const invoke = async (options: EventSourceOptions, batch: readonly Message[]): Promise<void> => {
  const { client, queueUrl, functionName, handler, timeoutMs, journal } = options;
  const records = batch.map((message) => recordOf(message, options.queueArn));
  try {
    journal.began(records);
    try {
      const response = await handler({ Records: records }, lambdaContext(functionName, timeoutMs));
      for (const part of inBatches(settledOf(records, response), MAX_MESSAGES_IN_CALL)) {
        await client.send(
          new DeleteMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: part.map(({ receiptHandle }, index) => ({
              Id: String(index),
              ReceiptHandle: receiptHandle,
            })),
          }),
        );
      }
    } finally {
      journal.ended(records);
    }
  } catch {
    // The function's log has said why; its messages come back when their visibility ends.
  }
};

/** An answer that names a message which is not of the batch settles nothing. */
const settledOf = (
  records: readonly SQSRecord[],
  { batchItemFailures }: SQSBatchResponse,
): readonly SQSRecord[] => {
  const given = new Set(records.map(({ messageId }) => messageId));
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const isWellFormed = [...failed].every((id) => given.has(id));
  return isWellFormed ? records.filter(({ messageId }) => !failed.has(messageId)) : [];
};

const recordOf = (message: Message, queueArn: string): SQSRecord => ({
  messageId: message.MessageId ?? "",
  receiptHandle: message.ReceiptHandle ?? "",
  body: message.Body ?? "",
  attributes: {
    ApproximateReceiveCount: message.Attributes?.ApproximateReceiveCount ?? "1",
    SentTimestamp: message.Attributes?.SentTimestamp ?? String(Date.now()),
    SenderId: message.Attributes?.SenderId ?? "",
    ApproximateFirstReceiveTimestamp:
      message.Attributes?.ApproximateFirstReceiveTimestamp ?? String(Date.now()),
  },
  messageAttributes: {},
  md5OfBody: message.MD5OfBody ?? "",
  eventSource: "aws:sqs",
  eventSourceARN: queueArn,
  awsRegion: "us-east-1",
});
