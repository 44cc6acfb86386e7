import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Deployment } from "./deployed-setup.ts";

/** An operator's clients for the server that a deployment under test runs on. */
export const clientsOf = ({ environment }: Pick<Deployment, "environment">) => {
  const certificate = environment["NODE_EXTRA_CA_CERTS"];
  const options = {
    region: environment["AWS_REGION"] ?? "",
    endpoint: environment["AWS_ENDPOINT_URL"] ?? "",
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
    ...(certificate === undefined
      ? {}
      : { requestHandler: { httpsAgent: new Agent({ ca: readFileSync(certificate) }) } }),
  };
  return {
    dynamodb: new DynamoDBClient(options),
    scheduler: new SchedulerClient(options),
    // The URLs of a local server may name a host that not every machine resolves.
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
  };
};
