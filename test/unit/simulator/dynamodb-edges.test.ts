import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { beforeEach, expect, it } from "vitest";
import { itemSizeBytes } from "../../../lambdas/adapters/dynamodb/item-size.ts";
import { makeDynamoJobRecovery } from "../../../lambdas/adapters/dynamodb/job-recovery.ts";
import { provisionTable, TABLE_NAME } from "../../../lib/local/provision.ts";
import { SimulatedDynamoDb } from "../../simulator/world/dynamodb.ts";
import { toStored } from "../../simulator/world/dynamodb-items.ts";

const key = { pk: { S: "JOB#1" }, sk: { S: "JOB" } };
const listed = { ...key, tpk: { S: "t#0" }, tsk: { S: "1" } };

let nowMs: number;
let lagMs: number;
let written: unknown[];
let db: SimulatedDynamoDb;
beforeEach(async () => {
  [nowMs, lagMs, written] = [0, 0, []];
  db = new SimulatedDynamoDb({
    now: () => nowMs,
    indexLagMs: () => lagMs,
    onWrite: (...told) => written.push(told),
  });
  await provisionTable(db.client());
});

const put = (Item: Record<string, AttributeValue>) =>
  db.apply(new PutItemCommand({ TableName: TABLE_NAME, Item }));
const get = () => db.apply(new GetItemCommand({ TableName: TABLE_NAME, Key: key })).Item;
const remove = () => db.apply(new DeleteItemCommand({ TableName: TABLE_NAME, Key: key }));
const update = (UpdateExpression: string, values?: Record<string, AttributeValue>) =>
  db.apply(
    new UpdateItemCommand({
      TableName: TABLE_NAME,
      Key: key,
      UpdateExpression,
      ExpressionAttributeValues: values,
      ReturnValues: "ALL_NEW",
    }),
  ).Attributes;
const positions = () =>
  db
    .apply(
      new QueryCommand({
        TableName: TABLE_NAME,
        IndexName: "by_tenant",
        KeyConditionExpression: "tpk = :t",
        ExpressionAttributeValues: { ":t": { S: "t#0" } },
      }),
    )
    .Items?.map(({ tsk }) => tsk?.S);

it("adds and subtracts exactly, from what stands or from a default", () => {
  const take = "SET tat = if_not_exists(tat, :now) + :n";
  expect(update(take, { ":now": { N: "1795564800123456.789" }, ":n": { N: "0.333" } })).toEqual({
    ...key,
    tat: { N: "1795564800123457.122" },
  });
  expect(update(take, { ":now": { N: "5" }, ":n": { N: "-1e-3" } })?.["tat"]).toEqual({
    N: "1795564800123457.121",
  });
  expect(update("SET tat = tat - :n", { ":n": { N: "1795564800123457" } })?.["tat"]).toEqual({
    N: "0.121",
  });
  expect(
    update("SET l = list_append(if_not_exists(l, :l), :l)", { ":l": { L: [{ N: "1" }] } }),
  ).toEqual({ ...key, tat: { N: "0.121" }, l: { L: [{ N: "1" }, { N: "1" }] } });
});

it("computes every clause of an update from the item as it was", () => {
  put({ ...key, a: { N: "1" }, b: { N: "2" } });
  const swapped = update("REMOVE gone SET a = b, b = a ADD n :n", { ":n": { N: "3" } });
  expect(swapped).toEqual({ ...key, a: { N: "2" }, b: { N: "1" }, n: { N: "3" } });
});

it("keeps its items from whoever holds one, sent or handed out", () => {
  const bytes = Uint8Array.of(1, 2);
  const item = { ...key, list: { L: [{ N: "1" }] }, bytes: { B: bytes } };
  put(item);
  bytes[0] = 9;
  item.list.L.push({ N: "2" });
  const kept = { ...key, list: { L: [{ N: "1" }] }, bytes: { B: Uint8Array.of(1, 2) } };
  const found = get();
  expect(found).toEqual(kept);
  found?.["bytes"]?.B?.fill(7);
  expect(() => found?.["list"]?.L?.push({ N: "3" })).toThrow(TypeError);
  expect(get()).toEqual(kept);
});

it("shows a change in an index once its instant has come, those of an item in their order", () => {
  lagMs = 100;
  put(listed);
  expect(positions()).toEqual([]);
  nowMs = 50;
  lagMs = 1;
  // It would come first, but for the one before it.
  update("SET tsk = :x", { ":x": { S: "2" } });
  nowMs = 99;
  expect(positions()).toEqual([]);
  nowMs = 100;
  expect(positions()).toEqual(["2"]);
  lagMs = 100;
  remove();
  lagMs = 0;
  put({ ...listed, tsk: { S: "3" } });
  nowMs = 199;
  expect(positions()).toEqual(["2"]);
  nowMs = 200;
  expect(positions()).toEqual(["3"]);
  remove();
  expect(positions()).toEqual([]);
});

it("tells of every item that changed, when all of a transaction did", () => {
  put(key);
  const hold = { pk: { S: "DEDUPE#1" }, sk: { S: "DEDUPE" } };
  db.apply(
    new TransactWriteItemsCommand({
      TransactItems: [
        { Delete: { TableName: TABLE_NAME, Key: key } },
        { Put: { TableName: TABLE_NAME, Item: hold } },
        {
          ConditionCheck: {
            TableName: TABLE_NAME,
            Key: { ...key, sk: { S: "OTHER" } },
            ConditionExpression: "attribute_not_exists(pk)",
          },
        },
      ],
    }),
  );
  remove();
  expect(written).toEqual([
    [{ pk: "JOB#1", sk: "JOB" }, undefined, key],
    [{ pk: "JOB#1", sk: "JOB" }, key, undefined],
    [{ pk: "DEDUPE#1", sk: "DEDUPE" }, undefined, hold],
  ]);
});

it("knows a transaction by its token for ten minutes", () => {
  const add = () =>
    db.apply(
      new TransactWriteItemsCommand({
        ClientRequestToken: "token",
        TransactItems: [
          {
            Update: {
              TableName: TABLE_NAME,
              Key: key,
              UpdateExpression: "ADD made :one",
              ExpressionAttributeValues: { ":one": { N: "1" } },
            },
          },
        ],
      }),
    );
  add();
  nowMs = 599_999;
  add();
  expect(get()?.["made"]).toEqual({ N: "1" });
  nowMs = 600_000;
  add();
  expect(get()?.["made"]).toEqual({ N: "2" });
});

it("deletes what is expired when it is asked to, and bills nothing for it", () => {
  put({ ...listed, expires_at: { N: "10" } });
  put({ ...key, sk: { S: "OTHER" } });
  const { writeUnits } = db.consumed;
  nowMs = 9_999;
  expect(db.deleteExpired()).toBe(0);
  nowMs = 10_000;
  expect(db.deleteExpired()).toBe(1);
  expect([get(), positions(), db.consumed.writeUnits]).toEqual([undefined, [], writeUnits]);
  expect(written).toHaveLength(3);
});

it("counts what was refused, too", () => {
  put({ ...listed, fill: { S: "x".repeat(1_500) } });
  expect(db.consumed).toEqual({ readUnits: 0, writeUnits: 3 });
  const claim = () =>
    db.apply(
      new UpdateItemCommand({
        TableName: TABLE_NAME,
        Key: key,
        UpdateExpression: "REMOVE fill",
        ConditionExpression: "attribute_exists(absent)",
      }),
    );
  expect(claim).toThrow("The conditional request failed");
  get();
  expect(db.consumed).toEqual({ readUnits: 0.5, writeUnits: 5 });
});

it("scans the table page by page, whatever is deleted in between", async () => {
  const pks = Array.from({ length: 50 }, (_, n) => `JOB#${n}`);
  for (const pk of pks) put({ pk: { S: pk }, sk: { S: "JOB" }, st: { S: "waiting" } });
  const seen: (string | undefined)[] = [];
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = db.apply(new ScanCommand({ TableName: TABLE_NAME, Limit: 3, ExclusiveStartKey }));
    ExclusiveStartKey = page.LastEvaluatedKey;
    for (const { pk, sk } of page.Items ?? []) {
      seen.push(pk?.S);
      db.apply(
        new DeleteItemCommand({
          TableName: TABLE_NAME,
          Key: { pk: pk ?? { S: "" }, sk: sk ?? { S: "" } },
        }),
      );
    }
  } while (ExclusiveStartKey);
  expect(seen.toSorted()).toEqual(pks.toSorted());
  // Ours scans with a filter, by the SDK's paginator.
  const recovery = makeDynamoJobRecovery(db.client(), TABLE_NAME);
  for await (const page of recovery.unfinishedJobs()) expect(page).toEqual([]);
});

it("reckons an item's size as our own limit does, or below: numbers lose their zeros", () => {
  const item = {
    ...key,
    é: { S: "ü€" },
    n: { N: "123" },
    l: { L: [{ M: { a: { BOOL: true } } }] },
  };
  expect(toStored(item).sizeBytes).toBe(itemSizeBytes(item));
  expect(toStored({ ...key, n: { N: "1000000" } }).sizeBytes).toBe("pkJOB#1skJOBn".length + 2);
});
