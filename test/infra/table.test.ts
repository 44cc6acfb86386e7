import { describe, expect, it } from "vitest";
import { resourcesOf, synthesize } from "./synthesized.ts";

const stages = { dev: synthesize("dev"), prod: synthesize("prod") };
type StageName = keyof typeof stages;

const tableOf = (stage: StageName) => {
  const tables = resourcesOf<Table>(stages[stage].stateful, "AWS::DynamoDB::GlobalTable");
  expect(tables).toHaveLength(1);
  return tables[0]!;
};
const [id, table] = tableOf("dev");
const properties = table.Properties;

describe("The table", () => {
  it("has pk and sk as its key, both strings", () => {
    expect(keyOf(properties)).toEqual(["pk HASH S", "sk RANGE S"]);
  });

  it("has two indexes of keys only, so that a change of status writes nothing to them", () => {
    const indexes = properties.GlobalSecondaryIndexes.map((index) => ({
      name: index.IndexName,
      key: keyOf(index),
      projection: index.Projection,
    }));
    const projection = { ProjectionType: "KEYS_ONLY" };
    expect(indexes).toEqual([
      { name: "by_tenant", key: ["tpk HASH S", "tsk RANGE S"], projection },
      { name: "needs_attention", key: ["npk HASH S", "tsk RANGE S"], projection },
    ]);
  });

  it("is billed by the request", () => {
    expect(properties.BillingMode).toBe("PAY_PER_REQUEST");
  });

  it("forgets items by expires_at", () => {
    expect(properties.TimeToLiveSpecification).toEqual({
      AttributeName: "expires_at",
      Enabled: true,
    });
  });

  it.each(["dev", "prod"] as const)("can be restored to any second: %s", (stage) => {
    expect(replicaOf(stage).PointInTimeRecoverySpecification).toEqual({
      PointInTimeRecoveryEnabled: true,
    });
  });

  it("is encrypted by a key that AWS owns, which no request is paid for", () => {
    expect(properties.SSESpecification).toEqual({ SSEEnabled: false });
  });

  it("cannot be deleted in production, not even with its stack", () => {
    const [, inProduction] = tableOf("prod");
    expect(inProduction).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    expect(replicaOf("prod").DeletionProtectionEnabled).toBe(true);
  });

  it("goes with its stack in development", () => {
    expect(table).toMatchObject({ DeletionPolicy: "Delete", UpdateReplacePolicy: "Delete" });
    expect(replicaOf("dev").DeletionProtectionEnabled).toBe(false);
  });

  it("keeps its logical id, for another id is another, empty table", () => {
    expect(id).toBe("JobTable67B858C0");
  });
});

interface Indexed {
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
}

interface Table extends Indexed {
  readonly AttributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: string;
  }[];
  readonly GlobalSecondaryIndexes: readonly (Indexed & {
    readonly IndexName: string;
    readonly Projection: unknown;
  })[];
  readonly BillingMode: string;
  readonly TimeToLiveSpecification: unknown;
  readonly SSESpecification: unknown;
  readonly Replicas: readonly {
    readonly PointInTimeRecoverySpecification: unknown;
    readonly DeletionProtectionEnabled: boolean;
  }[];
}

function keyOf({ KeySchema }: Indexed): string[] {
  const types = new Map(
    properties.AttributeDefinitions.map(({ AttributeName, AttributeType }) => [
      AttributeName,
      AttributeType,
    ]),
  );
  return KeySchema.map(
    (key) => `${key.AttributeName} ${key.KeyType} ${types.get(key.AttributeName)}`,
  );
}

function replicaOf(stage: StageName) {
  const { Replicas } = tableOf(stage)[1].Properties;
  expect(Replicas).toHaveLength(1);
  return Replicas[0]!;
}
