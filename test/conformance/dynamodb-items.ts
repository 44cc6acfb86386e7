import { randomUUID } from "node:crypto";
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { TABLE_NAME } from "../../lib/local/provision.ts";

/** An item whose attributes are strings, so that its size is the sum of what is written here. */
export type Texts = Readonly<Record<string, string>>;

/** A key that no other test has. */
export const aKey = () => ({ pk: `JOB#${randomUUID()}`, sk: "JOB" }) as const;

export const toItem = (texts: Texts): Record<string, AttributeValue> =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { S: text }]));

/** The attributes with one more, which makes the item exactly so large. */
export const filledTo = (bytes: number, texts: Texts): Texts => {
  const size = Object.entries(texts).reduce(
    (sum, [name, text]) => sum + Buffer.byteLength(name) + Buffer.byteLength(text),
    0,
  );
  return { ...texts, fill: "x".repeat(bytes - size - "fill".length) };
};

export const put = (client: DynamoDBClient, texts: Texts) =>
  client.send(new PutItemCommand({ TableName: TABLE_NAME, Item: toItem(texts) }));

export const get = async (
  client: DynamoDBClient,
  { pk, sk }: { readonly pk: string; readonly sk: string },
): Promise<Record<string, AttributeValue> | undefined> => {
  const { Item: item } = await client.send(
    new GetItemCommand({ TableName: TABLE_NAME, Key: toItem({ pk, sk }), ConsistentRead: true }),
  );
  return item;
};
