import { randomUUID } from "node:crypto";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type {
  Message,
  QueueAttributeName,
  SendMessageBatchRequestEntry,
  SQSClient,
} from "@aws-sdk/client-sqs";

/** A long poll for so long; our client gives up after three seconds. */
export const POLL_SECONDS = 2;

/** A queue of a test's own, with the calls that tests make. */
export const makeQueue = async (
  client: SQSClient,
  attributes: Partial<Record<QueueAttributeName, string>> = {},
) => {
  const { QueueUrl = "" } = await client.send(
    new CreateQueueCommand({ QueueName: `conformance-${randomUUID()}`, Attributes: attributes }),
  );
  const receive = async (
    options: {
      readonly max?: number;
      readonly waitSeconds?: number;
      /** How long what comes stays hidden; the queue's own timeout if left out. */
      readonly hideSeconds?: number;
    } = {},
  ): Promise<readonly Message[]> => {
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: options.max ?? 10,
        WaitTimeSeconds: options.waitSeconds ?? POLL_SECONDS,
        VisibilityTimeout: options.hideSeconds,
        MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
      }),
    );
    return messages;
  };
  return {
    url: QueueUrl,
    send: (MessageBody: string, DelaySeconds?: number) =>
      client.send(new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds })),
    sendBatch: (Entries: SendMessageBatchRequestEntry[]) =>
      client.send(new SendMessageBatchCommand({ QueueUrl, Entries })),
    receive,
    /** The next message; throws if none comes within a poll. */
    async take(hideSeconds?: number): Promise<Message> {
      const [message] = await receive({
        max: 1,
        ...(hideSeconds === undefined ? {} : { hideSeconds }),
      });
      if (message === undefined) throw new Error("no message came");
      return message;
    },
    remove: ({ ReceiptHandle }: Message) =>
      client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })),
    hide: ({ ReceiptHandle }: Message, VisibilityTimeout: number) =>
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }),
      ),
    async attribute(name: QueueAttributeName): Promise<string | undefined> {
      const { Attributes: found } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }),
      );
      return found?.[name];
    },
  };
};

export type TestQueue = Awaited<ReturnType<typeof makeQueue>>;

/** How often a message was received, as it says itself. */
export const receiptsOf = ({ Attributes: attributes }: Message): number =>
  Number(attributes?.ApproximateReceiveCount);
