import { afterAll, beforeAll } from "vitest";
import { localDynamoDb, localScheduler, localSqs } from "../../lib/local/clients.ts";
import { dynamoJobStorage, dynamoRateBuckets } from "../conformance/dynamo-job-storage.ts";
import { describeDynamoDb } from "../conformance/dynamodb.suite.ts";
import { eventBridgeJobSchedulerStage } from "../conformance/eventbridge-job-scheduler.ts";
import { describeJobList } from "../conformance/job-list.suite.ts";
import { describeJobQueue } from "../conformance/job-queue.suite.ts";
import { describeJobScheduler } from "../conformance/job-scheduler.suite.ts";
import { describeJobStore } from "../conformance/job-store.suite.ts";
import { describeRateBuckets } from "../conformance/rate-buckets.suite.ts";
import { describeScheduler } from "../conformance/scheduler.suite.ts";
import { farJobQueueStage, sqsJobQueueStage } from "../conformance/sqs-job-queue.ts";
import { describeSqs } from "../conformance/sqs.suite.ts";
import { startMiniStack } from "../support/ministack.ts";
import type { MiniStack } from "../support/ministack.ts";

let server: MiniStack | undefined;
beforeAll(async () => {
  server = await startMiniStack({ strict: false });
});
afterAll(() => server?.stop());

const dynamodb = () => localDynamoDb(server?.endpoint ?? "");
const sqs = () => localSqs(server?.endpoint ?? "");
const scheduler = () => localScheduler(server?.endpoint ?? "");

describeDynamoDb("MiniStack", dynamodb);
describeJobStore("MiniStack", () => dynamoJobStorage(dynamodb()));
describeJobList("MiniStack", () => dynamoJobStorage(dynamodb()));
describeRateBuckets("MiniStack", () => dynamoRateBuckets(dynamodb()));
describeSqs("MiniStack", sqs);
describeJobQueue("MiniStack", () => sqsJobQueueStage(sqs()));
describeJobQueue("MiniStack, with its Scheduler", () => farJobQueueStage(sqs(), scheduler()));
describeScheduler("MiniStack", scheduler);
describeJobScheduler("MiniStack", () => eventBridgeJobSchedulerStage(scheduler()));
