import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { queues, table } from "../../lib/topology.ts";
import type { QueueName, QueueTopology } from "../../lib/topology.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { startStage } from "../support/stage.ts";

const stage = forAllTests(startStage);

describe("what the local runtime makes is what the topology names", () => {
  it.each(Object.entries<QueueTopology>(queues))("the queue %s", async (name, topology) => {
    const { Attributes: attributes = {} } = await stage.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: stage.queueUrls[name as QueueName],
        AttributeNames: ["All"],
      }),
    );
    expect(attributes["VisibilityTimeout"]).toBe(String(topology.visibilitySeconds));
    expect(attributes["MessageRetentionPeriod"]).toBe(String(topology.retentionSeconds));
    const redrive = JSON.parse(attributes["RedrivePolicy"] ?? "null") as {
      readonly deadLetterTargetArn: string;
      readonly maxReceiveCount: number;
    } | null;
    expect(redrive?.maxReceiveCount).toBe(topology.redrive?.maxReceives);
    if (!topology.redrive) return;
    const target = stage.queueUrls[topology.redrive.to].split("/").at(-1);
    expect(redrive?.deadLetterTargetArn.split(":").at(-1)).toBe(target);
  });

  it("the table and its indexes", async () => {
    const { Table: made } = await stage.dynamodb.send(
      new DescribeTableCommand({ TableName: TABLE_NAME }),
    );
    const keysOf = (schema: { AttributeName?: string | undefined }[] = []) =>
      schema.map(({ AttributeName: name }) => name);
    expect(keysOf(made?.KeySchema)).toEqual([table.partitionKey, table.sortKey]);
    const indexes = (made?.GlobalSecondaryIndexes ?? []).map((index) => ({
      name: index.IndexName,
      keys: keysOf(index.KeySchema),
      projection: index.Projection?.ProjectionType,
    }));
    expect(indexes.toSorted((a, b) => String(a.name).localeCompare(String(b.name)))).toEqual(
      table.indexes.map(({ name, partitionKey, sortKey }) => ({
        name,
        keys: [partitionKey, sortKey],
        projection: "KEYS_ONLY",
      })),
    );
  });
});
