import { randomBytes } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { makeDynamoJobList } from "../../lambdas/adapters/dynamodb/job-list.ts";
import { makeDynamoJobStore } from "../../lambdas/adapters/dynamodb/job-store.ts";
import { provisionTable, TABLE_NAME } from "../../lib/local/provision.ts";
import { DAY_MS } from "./stored-jobs.ts";
import type { JobStorage } from "./stored-jobs.ts";

/** Our storage on a server of DynamoDB. */
export const dynamoJobStorage = async (client: DynamoDBClient): Promise<JobStorage> => {
  await provisionTable(client);
  const table = { client, name: TABLE_NAME, indexShards: 4, retentionMs: 30 * DAY_MS };
  return {
    store: makeDynamoJobStore(table, () => randomBytes(9).toString("base64url")),
    list: makeDynamoJobList(table),
  };
};
