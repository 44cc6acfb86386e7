import { afterAll, beforeAll } from "vitest";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { dynamoJobStorage, dynamoRateBuckets } from "../conformance/dynamo-job-storage.ts";
import { describeDynamoDb } from "../conformance/dynamodb.suite.ts";
import { describeJobList } from "../conformance/job-list.suite.ts";
import { describeJobStore } from "../conformance/job-store.suite.ts";
import { describeRateBuckets } from "../conformance/rate-buckets.suite.ts";
import { startDynamoDbLocal } from "../support/dynamodb-local.ts";
import type { DynamoDbLocal } from "../support/dynamodb-local.ts";

let server: DynamoDbLocal | undefined;
beforeAll(async () => {
  server = await startDynamoDbLocal();
});
afterAll(() => server?.stop());

const client = () => localDynamoDb(server?.endpoint ?? "");
describeDynamoDb("DynamoDB Local", client);
describeJobStore("DynamoDB Local", () => dynamoJobStorage(client()));
describeJobList("DynamoDB Local", () => dynamoJobStorage(client()));
describeRateBuckets("DynamoDB Local", () => dynamoRateBuckets(client()));
