import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";

/** Well under the 10 s in which trouble has to be noticed. */
const LIMIT_MS = 3_000;

/** Asks the table for an item that never stands: half a read unit. */
export const checkTable =
  (client: DynamoDBClient, tableName: string) => async (): Promise<void> => {
    await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: { pk: { S: "READY#" }, sk: { S: "READY" } },
      }),
      { abortSignal: AbortSignal.timeout(LIMIT_MS) },
    );
  };

export const checkQueue = (client: SQSClient, queueUrl: string) => async (): Promise<void> => {
  await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["QueueArn"] }),
    { abortSignal: AbortSignal.timeout(LIMIT_MS) },
  );
};
