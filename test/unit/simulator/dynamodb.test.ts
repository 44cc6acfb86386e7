import { dynamoJobStorage, dynamoRateBuckets } from "../../conformance/dynamo-job-storage.ts";
import { describeDynamoDb } from "../../conformance/dynamodb.suite.ts";
import { describeJobList } from "../../conformance/job-list.suite.ts";
import { describeJobStore } from "../../conformance/job-store.suite.ts";
import { describeRateBuckets } from "../../conformance/rate-buckets.suite.ts";
import { SimulatedDynamoDb } from "../../simulator/world/dynamodb.ts";

const prompt = new SimulatedDynamoDb({ now: () => 0 }).client();

/** Its time goes on with every look at the clock, so that its indexes come after a few calls. */
let looks = 0;
const lagging = new SimulatedDynamoDb({
  now: () => (looks += 1),
  indexLagMs: () => looks % 7,
}).client();

for (const [what, client] of [
  ["the simulated DynamoDB", prompt],
  ["the simulated DynamoDB with indexes that lag", lagging],
] as const) {
  describeDynamoDb(what, () => client);
  describeJobStore(what, () => dynamoJobStorage(client));
  describeJobList(what, () => dynamoJobStorage(client));
  describeRateBuckets(what, () => dynamoRateBuckets(client));
}
