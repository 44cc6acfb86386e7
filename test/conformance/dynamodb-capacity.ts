import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { ConsumedCapacity, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect } from "vitest";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import type { State } from "./describe-conformance.ts";
import { aKey, filledTo, put, toItem } from "./dynamodb-items.ts";
import type { Texts } from "./dynamodb-items.ts";

/**
 * What our writes cost: docs and budgets count on these units.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
 */
export const stateCapacity = (state: State, clientOf: () => DynamoDBClient): void => {
  const counted = { TableName: TABLE_NAME, ReturnConsumedCapacity: "INDEXES" } as const;

  const costOfPut = async (texts: Texts) => {
    const { ConsumedCapacity: consumed } = await clientOf().send(
      new PutItemCommand({ ...counted, Item: toItem(texts) }),
    );
    return unitsOf(consumed);
  };
  const costOfUpdate = async ({ pk, sk }: Texts, expression: string, values?: Texts) => {
    const { ConsumedCapacity: consumed } = await clientOf().send(
      new UpdateItemCommand({
        ...counted,
        Key: toItem({ pk: pk ?? "", sk: sk ?? "" }),
        UpdateExpression: expression,
        ExpressionAttributeValues: values && toItem(values),
      }),
    );
    return unitsOf(consumed);
  };
  const listed = () => ({ ...aKey(), tpk: "t1#0", tsk: "00001" });
  const standing = async (texts: Texts) => {
    await put(clientOf(), texts);
    return texts;
  };

  state("bills a put that no index takes with one unit a kilobyte, begun ones whole", async () => {
    expect(await costOfPut(filledTo(1_024, aKey()))).toEqual({ all: 1, table: 1, indexes: {} });
    expect(await costOfPut(filledTo(1_025, aKey()))).toEqual({ all: 2, table: 2, indexes: {} });
    expect(await costOfPut(filledTo(2_049, aKey()))).toEqual({ all: 3, table: 3, indexes: {} });
  });

  state("bills a put with one unit more for every index that takes its keys", async () => {
    const inOne = filledTo(900, listed());
    expect(await costOfPut(inOne)).toEqual({ all: 2, table: 1, indexes: { by_tenant: 1 } });
    const inBoth = filledTo(900, { ...listed(), npk: "waiting#t1#0" });
    expect(await costOfPut(inBoth)).toEqual({
      all: 3,
      table: 1,
      indexes: { by_tenant: 1, needs_attention: 1 },
    });
    // An index of keys alone does not grow with the item.
    const large = filledTo(1_100, listed());
    expect(await costOfPut(large)).toEqual({ all: 3, table: 2, indexes: { by_tenant: 1 } });
  });

  state("bills an update of what no index holds in the table alone", async () => {
    const item = await standing(filledTo(900, { ...listed(), npk: "waiting#t1#0", st: "w" }));
    const cost = await costOfUpdate(item, "SET st = :st", { ":st": "processing" });
    expect(cost).toEqual({ all: 1, table: 1, indexes: {} });
  });

  state("bills an update that sets an index's key to what it was in the table alone", async () => {
    const item = await standing(filledTo(900, { ...listed(), npk: "waiting#t1#0" }));
    const cost = await costOfUpdate(item, "SET npk = :npk", { ":npk": "waiting#t1#0" });
    expect(cost).toEqual({ all: 1, table: 1, indexes: {} });
  });

  state(
    "bills coming into an index with one unit, leaving it with one, moving with two",
    async () => {
      const item = await standing(filledTo(900, listed()));
      const attention = (units: number) => ({
        all: 1 + units,
        table: 1,
        indexes: { needs_attention: units },
      });
      const move = (npk: string) => costOfUpdate(item, "SET npk = :npk", { ":npk": npk });
      expect(await move("waiting#t1#0")).toEqual(attention(1));
      expect(await move("cancelled#t1#0")).toEqual(attention(2));
      expect(await costOfUpdate(item, "REMOVE npk")).toEqual(attention(1));
    },
  );

  state("bills an update by the larger of what was and what is", async () => {
    const item = await standing(filledTo(1_000, aKey()));
    const large = "x".repeat(1_000);
    const grow = await costOfUpdate(item, "SET more = :more", { ":more": large });
    expect(grow).toEqual({ all: 2, table: 2, indexes: {} });
    expect(await costOfUpdate(item, "REMOVE more")).toEqual({ all: 2, table: 2, indexes: {} });
  });

  state("bills a delete with the item's units, and one for every index it leaves", async () => {
    const item = await standing(filledTo(900, listed()));
    const { ConsumedCapacity: consumed } = await clientOf().send(
      new DeleteItemCommand({ ...counted, Key: toItem({ pk: item["pk"] ?? "", sk: "JOB" }) }),
    );
    expect(unitsOf(consumed)).toEqual({ all: 2, table: 1, indexes: { by_tenant: 1 } });
  });

  state("bills a read with one unit for each 4 KB, half if it need not be consistent", async () => {
    const item = await standing(filledTo(4_097, aKey()));
    const cost = async (ConsistentRead: boolean, Key = toItem(item)) => {
      const { pk = { S: "" }, sk = { S: "" } } = Key;
      const { ConsumedCapacity: consumed } = await clientOf().send(
        new GetItemCommand({ ...counted, Key: { pk, sk }, ConsistentRead }),
      );
      return consumed?.CapacityUnits;
    };
    expect(await cost(true)).toBe(2);
    expect(await cost(false)).toBe(1);
    expect(await cost(true, toItem(aKey()))).toBe(1);
  });
};

/** Units in all, in the table, and in each index that took some. */
export const unitsOf = (consumed: ConsumedCapacity | undefined) => ({
  all: consumed?.CapacityUnits,
  table: consumed?.Table?.CapacityUnits,
  indexes: Object.fromEntries(
    Object.entries(consumed?.GlobalSecondaryIndexes ?? {})
      .map(([name, { CapacityUnits: units }]) => [name, units] as const)
      .filter(([, units]) => units !== 0),
  ),
});
