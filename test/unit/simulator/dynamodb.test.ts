import { dynamoJobStorage } from "../../conformance/dynamo-job-storage.ts";
import { describeDynamoDb } from "../../conformance/dynamodb.suite.ts";
import { describeJobList } from "../../conformance/job-list.suite.ts";
import { describeJobStore } from "../../conformance/job-store.suite.ts";
import { SimulatedDynamoDb } from "../../simulator/world/dynamodb.ts";

const client = new SimulatedDynamoDb({ now: () => 0 }).client();

describeDynamoDb("the simulated DynamoDB", () => client);
describeJobStore("the simulated DynamoDB", () => dynamoJobStorage(client));
describeJobList("the simulated DynamoDB", () => dynamoJobStorage(client));
