import { GetQueueUrlCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";

/** Sends as a target does: to a queue that is known by its ARN, whose last part is its name. */
export const makeSendToQueue = (client: SQSClient) => {
  const urls = new Map<string, string>();
  const urlOf = async (queueArn: string): Promise<string> => {
    const known = urls.get(queueArn);
    if (known !== undefined) return known;
    const QueueName = queueArn.split(":").at(-1);
    const { QueueUrl: url = "" } = await client.send(new GetQueueUrlCommand({ QueueName }));
    urls.set(queueArn, url);
    return url;
  };
  return async (queueArn: string, body: string): Promise<void> => {
    const QueueUrl = await urlOf(queueArn);
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  };
};
