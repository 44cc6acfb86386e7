import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { beforeAll } from "vitest";
import { provisionTable } from "../../lib/local/provision.ts";
import { describeConformance } from "./describe-conformance.ts";
import { stateCapacity } from "./dynamodb-capacity.ts";
import { stateConditions } from "./dynamodb-conditions.ts";
import { stateReads } from "./dynamodb-reads.ts";
import { stateTransactions } from "./dynamodb-transactions.ts";

/** What a server of DynamoDB does, as far as PulseGate leans on it, on the table that it makes. */
export const describeDynamoDb = (what: string, clientOf: () => DynamoDBClient): void => {
  describeConformance("DynamoDB", what, (state) => {
    beforeAll(() => provisionTable(clientOf()));
    stateConditions(state, clientOf);
    stateCapacity(state, clientOf);
    stateTransactions(state, clientOf);
    stateReads(state, clientOf);
  });
};
