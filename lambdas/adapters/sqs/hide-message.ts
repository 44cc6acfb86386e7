import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";

/** SQS hides a message for twelve hours at most. */
const MAX_HIDDEN_SECONDS = 43_200;

/** Returns a received message to its queue, hidden for at least so long from now. */
export const hideMessage =
  (client: SQSClient, queueUrlOf: (eventSourceArn: string) => string) =>
  async (
    record: { readonly eventSourceARN: string; readonly receiptHandle: string },
    afterMs: number,
  ): Promise<void> => {
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrlOf(record.eventSourceARN),
        ReceiptHandle: record.receiptHandle,
        VisibilityTimeout: Math.min(MAX_HIDDEN_SECONDS, Math.ceil(afterMs / 1_000)),
      }),
    );
  };

/** Finds a queue's URL by its ARN: both end in the queue's name. */
export const queueUrlByArn =
  (queueUrls: readonly string[]) =>
  (eventSourceArn: string): string => {
    const name = eventSourceArn.split(":").at(-1);
    const url = queueUrls.find((candidate) => candidate.split("/").at(-1) === name);
    if (url === undefined) throw new Error(`no queue of this function is called ${name}`);
    return url;
  };
