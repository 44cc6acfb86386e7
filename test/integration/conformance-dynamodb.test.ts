import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll } from "vitest";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import type { Emulators } from "../../lib/local/emulators.ts";
import { describeDynamoDb } from "../conformance/dynamodb.suite.ts";
import { dynamoJobStorage, dynamoRateBuckets } from "../conformance/dynamo-job-storage.ts";
import { describeJobList } from "../conformance/job-list.suite.ts";
import { describeJobStore } from "../conformance/job-store.suite.ts";
import { describeRateBuckets } from "../conformance/rate-buckets.suite.ts";
import { makeDataDir, removeDataDir } from "../support/runtime-process.ts";

let dataDir: string;
let emulators: Emulators;
let client: DynamoDBClient;
beforeAll(async () => {
  dataDir = await makeDataDir();
  emulators = await startEmulators({ dataDir, dynamodb: true, sqs: false, scheduler: false });
  client = localDynamoDb(emulators.dynamodbEndpoint ?? "");
});
afterAll(async () => {
  await emulators.stop();
  await removeDataDir(dataDir);
});

describeDynamoDb("dynoxide", () => client);
describeJobStore("dynoxide", () => dynamoJobStorage(client));
describeJobList("dynoxide", () => dynamoJobStorage(client));
describeRateBuckets("dynoxide", () => dynamoRateBuckets(client));
