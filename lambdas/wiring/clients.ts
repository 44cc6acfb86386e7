import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";

/** The services that a function speaks to. */
export interface Clients {
  dynamodb(): DynamoDBClient;
  sqs(): SQSClient;
  scheduler(): SchedulerClient;
}

/**
 * Short enough that a function which meets a dead dependency still answers with our own 503 before
 * the gateway gives up after 30 s: three calls in a row, three tries each.
 */
export const clientLimits = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
};

/** Shorter: what the Scheduler does not take, SQS does, in the time that is left. */
export const schedulerLimits = {
  ...clientLimits,
  requestHandler: { ...clientLimits.requestHandler, requestTimeout: 1_500 },
};

/** Clients of the account that the function runs in. */
export const awsClients: Clients = {
  dynamodb: () => new DynamoDBClient(clientLimits),
  sqs: () => new SQSClient(clientLimits),
  scheduler: () => new SchedulerClient(schedulerLimits),
};
