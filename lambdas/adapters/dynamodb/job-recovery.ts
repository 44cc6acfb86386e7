import { paginateScan } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { JobRecovery } from "../../core/ports.ts";
import type { Job } from "../../core/rules/job.ts";
import { toStanding } from "./items.ts";
import { jobKey } from "./keys.ts";
import { updateItemIf } from "./table.ts";

/** Reads the whole table: for the recovery of a deployment that lost its queue, not for a request. */
export const makeDynamoJobRecovery = (client: DynamoDBClient, tableName: string): JobRecovery => ({
  async *unfinishedJobs() {
    const pages = paginateScan(
      { client },
      {
        TableName: tableName,
        FilterExpression: "sk = :job AND st IN (:waiting, :processing)",
        ExpressionAttributeValues: marshall({
          ":job": "JOB",
          ":waiting": "waiting",
          ":processing": "processing",
        }),
        ConsistentRead: true,
      },
    );
    for await (const page of pages) {
      yield (page.Items ?? [])
        .map((item) => toStanding(item, 0))
        .filter((standing): standing is Job => standing.kind === "job");
    }
  },

  async endLease(message, nowMs) {
    await updateItemIf(
      { client, name: tableName },
      {
        key: jobKey(message.jobId),
        set: { lse: nowMs },
        condition: "#st = :processing AND #gen = :gen AND #att = :att AND #lse > :now",
        values: {
          ":processing": "processing",
          ":gen": message.generation,
          ":att": message.attempt,
          ":now": nowMs,
        },
      },
    );
  },
});
