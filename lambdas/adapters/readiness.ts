import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetScheduleGroupCommand } from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
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

export const checkSchedules =
  (client: SchedulerClient, group: string) => async (): Promise<void> => {
    await client.send(new GetScheduleGroupCommand({ Name: group }), {
      abortSignal: AbortSignal.timeout(LIMIT_MS),
    });
  };
