import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits, schedulerLimits } from "../../lambdas/wiring/clients.ts";
import type { Clients } from "../../lambdas/wiring/clients.ts";
import type { FunctionTopology } from "../topology.ts";
import { granted } from "./granted.ts";

export interface Endpoints {
  readonly dynamodb: string;
  readonly sqs: string;
  readonly scheduler: string;
}

/** Local servers look at neither, but the SDK wants them. */
const identity = {
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
};

export const localDynamoDb = (endpoint: string): DynamoDBClient =>
  new DynamoDBClient({ ...clientLimits, ...identity, endpoint });

/** Queue URLs of local servers name hosts that not every machine resolves: the endpoint counts. */
export const localSqs = (endpoint: string): SQSClient =>
  new SQSClient({ ...clientLimits, ...identity, endpoint, useQueueUrlAsEndpoint: false });

export const localScheduler = (endpoint: string): SchedulerClient =>
  new SchedulerClient({ ...schedulerLimits, ...identity, endpoint });

/** Clients for one function, which refuse what the topology does not grant it. */
export const grantedClients = (
  endpoints: Endpoints,
  topology: FunctionTopology,
  queueUrls: Readonly<Record<string, string>>,
): Clients => ({
  dynamodb: () => {
    const client = localDynamoDb(endpoints.dynamodb);
    client.middlewareStack.add(granted(topology, queueUrls), { step: "initialize" });
    return client;
  },
  sqs: () => {
    const client = localSqs(endpoints.sqs);
    client.middlewareStack.add(granted(topology, queueUrls), { step: "initialize" });
    return client;
  },
  scheduler: () => {
    const client = localScheduler(endpoints.scheduler);
    client.middlewareStack.add(granted(topology, queueUrls), { step: "initialize" });
    return client;
  },
});
