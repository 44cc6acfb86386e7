import { SendMessageBatchCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import DataLoader from "dataloader";

/** SQS takes so many messages in one call, and bills the call. */
const MAX_BATCH = 10;

export interface OutgoingMessage {
  readonly MessageBody: string;
  readonly DelaySeconds: number;
}

/**
 * Sends messages to one queue; those that are sent in the same breath share a call, which is a third
 * of a batch's bill. Each one's promise is its own: a call of several can succeed in part.
 */
export const makeMessageSender = (
  client: SQSClient,
  queueUrl: string,
): ((message: OutgoingMessage) => Promise<void>) => {
  const loader = new DataLoader<OutgoingMessage, true>(
    (messages) => sendAll(client, queueUrl, messages),
    { cache: false, maxBatchSize: MAX_BATCH },
  );
  return async (message) => {
    await loader.load(message);
  };
};

const sendAll = async (
  client: SQSClient,
  queueUrl: string,
  messages: readonly OutgoingMessage[],
): Promise<(true | Error)[]> => {
  const [only, ...more] = messages;
  if (only && more.length === 0) {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, ...only }));
    return [true];
  }
  const { Successful: successful = [], Failed: failed = [] } = await client.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: messages.map((message, index) => ({ Id: String(index), ...message })),
    }),
  );
  const sent = new Set(successful.map(({ Id: id }) => id));
  // An entry that the answer leaves out was not sent either.
  return messages.map((_, index) => {
    if (sent.has(String(index))) return true;
    const why = failed.find(({ Id: id }) => id === String(index));
    return new NotTaken(why?.Code ?? "no answer for it");
  });
};

/** The queue's refusal of one message of several; an outage, by the name that SDK errors have. */
class NotTaken extends Error {
  readonly $metadata = {};
  constructor(why: string) {
    super(`the queue did not take the message: ${why}`);
    this.name = "NotTaken";
  }
}
