import { randomBytes } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { makeHolds } from "../../lambdas/adapters/dynamodb/holds.ts";
import { makeDynamoJobList } from "../../lambdas/adapters/dynamodb/job-list.ts";
import { makeDynamoJobStore } from "../../lambdas/adapters/dynamodb/job-store.ts";
import { makeRateBuckets } from "../../lambdas/adapters/dynamodb/rate-buckets.ts";
import { provisionTable, TABLE_NAME } from "../../lib/local/provision.ts";
import type { HireWorker } from "./rate-buckets.suite.ts";
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

/** Workers' buckets and holds on a server of DynamoDB. */
export const dynamoRateBuckets = async (client: DynamoDBClient): Promise<HireWorker> => {
  await provisionTable(client);
  const table = { client, name: TABLE_NAME };
  return (clock) => ({ buckets: makeRateBuckets(table, clock), holds: makeHolds(table, clock) });
};
