import {
  BatchWriteItemCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { beforeAll, expect, it } from "vitest";
import { provisionTable, TABLE_NAME } from "../../../lib/local/provision.ts";
import { SimulatedDynamoDb } from "../../simulator/world/dynamodb.ts";

const key = { pk: { S: "JOB#1" }, sk: { S: "JOB" } };
const db = new SimulatedDynamoDb({ now: () => 0 });
beforeAll(() => provisionTable(db.client()));

const get = (Key: Record<string, AttributeValue>) =>
  db.apply(new GetItemCommand({ TableName: TABLE_NAME, Key }));
const update = (
  UpdateExpression: string,
  ExpressionAttributeValues?: Record<string, AttributeValue>,
) =>
  db.apply(
    new UpdateItemCommand({
      TableName: TABLE_NAME,
      Key: key,
      UpdateExpression,
      ExpressionAttributeValues,
    }),
  );

it("refuses by name what it does not support", () => {
  const asked = [
    () => db.apply(new ListTablesCommand({})),
    () => db.apply(new BatchWriteItemCommand({ RequestItems: {} })),
    () => db.apply(new ScanCommand({ TableName: TABLE_NAME, Segment: 0, TotalSegments: 2 })),
    () => db.apply(new QueryCommand({ TableName: TABLE_NAME, Select: "COUNT" })),
    () => db.apply(new PutItemCommand({ TableName: TABLE_NAME, Item: key, Expected: {} })),
    () => update("SET a.b = :x", { ":x": { N: "1" } }),
    () => update("SET a[0] = :x", { ":x": { N: "1" } }),
    () => update("SET a = upper(b)"),
    () => update("DELETE a :x", { ":x": { SS: ["1"] } }),
    () => update("ADD a :x", { ":x": { SS: ["1"] } }),
  ];
  const names = asked.map((ask) => {
    try {
      ask();
      return "accepted";
    } catch (error) {
      return error instanceof Error ? `${error.name}: ${error.message}` : "";
    }
  });
  const refusal = "Error: the simulated DynamoDB does not support";
  expect(names).toEqual([
    `${refusal} ListTablesCommand`,
    `${refusal} BatchWriteItemCommand`,
    `${refusal} Segment of a scan`,
    `${refusal} Select of a query`,
    `${refusal} Expected of a put`,
    `${refusal} a path into a value: SET a.b = :x`,
    `${refusal} a path into a value: SET a[0] = :x`,
    `${refusal} the function upper in: SET a = upper(b)`,
    `${refusal} the clause DELETE in: DELETE a :x`,
    `${refusal} ADD of what is no number: :x`,
  ]);
});

it("refuses what the server finds wrong in a request", () => {
  const put = (ConditionExpression: string, more: object = {}) =>
    db.apply(
      new PutItemCommand({ TableName: TABLE_NAME, Item: key, ConditionExpression, ...more }),
    );
  const one = { ":x": { N: "1" } };
  const wrong = [
    () => put("a ="),
    () => put("a = :x"),
    () => put("a = :x", { ExpressionAttributeValues: { ...one, ":y": { N: "1" } } }),
    () => put("#a = :x", { ExpressionAttributeValues: one }),
    () => put("a = :x AND", { ExpressionAttributeValues: one }),
    () => put("(a = :x", { ExpressionAttributeValues: one }),
    () => put("a = :x)", { ExpressionAttributeValues: one }),
    () => put("a == :x", { ExpressionAttributeValues: one }),
    () => put("a = b OR a = a"),
    () => put("b = a OR a = #a", { ExpressionAttributeNames: { "#a": "a" } }),
    () => put("contains(a, a)"),
    () => put("a ! :x", { ExpressionAttributeValues: one }),
    () => put("attribute_exists(a, b)"),
    () => update("SET a = a + :x", one),
    () => update("SET a = :x, a = :x", one),
    () => update("SET a = :x SET b = :x", one),
    () => update("SET pk = :x", one),
    () => update("SET tpk = :x", one),
    () => get({ pk: key.pk }),
    () => get({ ...key, tpk: { S: "t" } }),
  ];
  for (const ask of wrong) {
    expect(ask, String(ask)).toThrow(expect.objectContaining({ name: "ValidationException" }));
  }
  expect(get(key).Item).toBeUndefined();
  expect(() => db.apply(new GetItemCommand({ TableName: "other", Key: key }))).toThrow(
    expect.objectContaining({ name: "ResourceNotFoundException" }),
  );
});
