import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  paginateScan,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { table } from "../topology.ts";
import { TABLE_NAME } from "./provision.ts";

const SWEEP_EVERY_MS = 3_600_000;
/** A laptop may never be on for an hour. */
const FIRST_SWEEP_AFTER_MS = 60_000;

/** Deletes what is expired, every hour: in the cloud DynamoDB does so by itself. */
export const startTtlSweep = (client: DynamoDBClient): { stop(): void } => {
  // Readers skip what is expired: if this one fails, the next one will do.
  const sweep = () => void sweepExpired(client).catch(() => undefined);
  const first = setTimeout(sweep, FIRST_SWEEP_AFTER_MS).unref();
  const timer = setInterval(sweep, SWEEP_EVERY_MS).unref();
  return {
    stop: () => {
      clearTimeout(first);
      clearInterval(timer);
    },
  };
};

/** @returns how many items were deleted */
export const sweepExpired = async (client: DynamoDBClient): Promise<number> => {
  const names = { "#ttl": table.ttlAttribute };
  const values = { ":now": { N: String(Math.floor(Date.now() / 1_000)) } };
  let deleted = 0;
  const pages = paginateScan(
    { client },
    {
      TableName: TABLE_NAME,
      FilterExpression: "#ttl <= :now",
      ProjectionExpression: `${table.partitionKey}, ${table.sortKey}`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    },
  );
  for await (const { Items: items = [] } of pages) {
    for (const key of items) {
      try {
        await client.send(
          new DeleteItemCommand({
            TableName: TABLE_NAME,
            Key: key,
            ConditionExpression: "#ttl <= :now",
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: values,
          }),
        );
        deleted += 1;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    }
  }
  return deleted;
};
