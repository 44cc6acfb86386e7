import { setTimeout as sleep } from "node:timers/promises";
import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient, TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { Item } from "./items.ts";

/** Where the one table is. */
export interface TableAddress {
  readonly client: DynamoDBClient;
  readonly name: string;
  /** Waits before the next try of a call. @default growing, with jitter, from 10 ms on */
  readonly backOff?: (tries: number) => Promise<void>;
}

/** The one table, as the stores in this folder see it. */
export interface Table extends TableAddress {
  /** Over how many partitions each tenant's index entries are spread. */
  readonly indexShards: number;
  /** How long a job is kept after its end. */
  readonly retentionMs: number;
}

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

export type Written =
  | { readonly kind: "written"; readonly item: Item }
  | { readonly kind: "refused"; readonly item: Item | undefined };

export interface Update {
  readonly key: Key;
  readonly set: Readonly<Record<string, unknown>>;
  /** What is added to numbers that stand there. */
  readonly add?: Readonly<Record<string, number>>;
  readonly remove?: readonly string[];
  /** Placeholders: `#name` for attributes, `:name` for values. */
  readonly condition: string;
  readonly values?: Readonly<Record<string, unknown>>;
  /** The attribute and token by which this write knows itself. */
  readonly token?: { readonly attribute: string; readonly value: string };
}

/** @param isConsistent else it costs half, and the latest write may be missing @default true */
export const getItem = async (
  table: TableAddress,
  key: Key,
  { isConsistent = true }: { readonly isConsistent?: boolean } = {},
): Promise<Item | undefined> => {
  const { Item: item } = await table.client.send(
    new GetItemCommand({ TableName: table.name, Key: marshall(key), ConsistentRead: isConsistent }),
  );
  return item;
};

export const putItem = async (table: TableAddress, item: Item): Promise<void> => {
  await table.client.send(new PutItemCommand({ TableName: table.name, Item: item }));
};

/** Puts an item on a condition; see `proven` for what a lost answer means. */
export const putItemIf = (
  table: TableAddress,
  item: Item,
  condition: string,
  values: Readonly<Record<string, unknown>> | undefined,
  token: { readonly attribute: string; readonly value: string },
): Promise<Written> => {
  const key = { pk: item["pk"]?.S ?? "", sk: item["sk"]?.S ?? "" };
  return proven(table, key, token, async () => {
    await table.client.send(
      new PutItemCommand({
        TableName: table.name,
        Item: item,
        ConditionExpression: condition,
        ExpressionAttributeValues: values && marshall(values),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return item;
  });
};

/** Changes an item on a condition; the whole new item comes back. */
export const updateItemIf = (table: TableAddress, update: Update): Promise<Written> =>
  proven(table, update.key, update.token, async () => {
    const { Attributes: item } = await table.client.send(
      new UpdateItemCommand({ ...updateOf(table, update), ReturnValues: "ALL_NEW" }),
    );
    return item ?? {};
  });

/** An update as DynamoDB wants it, alone or within a transaction. */
export const updateOf = (table: TableAddress, update: Update) => {
  const { key, set, add = {}, remove = [], condition, values = {} } = update;
  const names = new Set([
    ...Object.keys(set),
    ...Object.keys(add),
    ...remove,
    ...[...condition.matchAll(/#(\w+)/g)].map(([, name]) => name ?? ""),
  ]);
  const assignments = [
    ...Object.keys(set).map((name) => `#${name} = :set_${name}`),
    ...Object.keys(add).map((name) => `#${name} = #${name} + :add_${name}`),
  ];
  const removals = remove.map((name) => `#${name}`);
  return {
    TableName: table.name,
    Key: marshall(key),
    UpdateExpression: [
      `SET ${assignments.join(", ")}`,
      ...(removals.length > 0 ? [`REMOVE ${removals.join(", ")}`] : []),
    ].join(" "),
    ConditionExpression: condition,
    ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: marshall({
      ...values,
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:set_${name}`, value])),
      ...Object.fromEntries(Object.entries(add).map(([name, value]) => [`:add_${name}`, value])),
    }),
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  };
};

export type Transacted =
  | { readonly kind: "written" }
  | {
      readonly kind: "refused";
      /** Per write: whether its own condition failed, and what stands there. */
      readonly refusals: readonly {
        readonly isRefused: boolean;
        readonly item: Item | undefined;
      }[];
    };

/** Reasons of a cancelled transaction that say nothing of its conditions. The SDK repeats none of them. */
const PASSING_REASONS = new Set([
  "TransactionConflict",
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
]);
const TRIES = 6;

/**
 * Makes several conditional writes, all or none. The first one bears the token by which a lost
 * answer is told from a refusal.
 *
 * @throws the last reason if conflicts or throttling go on
 */
export const transact = async (
  table: TableAddress,
  key: Key,
  token: NonNullable<Update["token"]>,
  writes: readonly TransactWriteItem[],
): Promise<Transacted> => {
  for (let tries = 1; ; tries += 1) {
    try {
      await table.client.send(
        new TransactWriteItemsCommand({
          TransactItems: [...writes],
          ClientRequestToken: token.value,
        }),
      );
      return { kind: "written" };
    } catch (error) {
      const reasons =
        error instanceof TransactionCanceledException ? error.CancellationReasons : undefined;
      const refusals = (reasons ?? []).map(({ Code: code, Item: item }) => ({
        isRefused: code === "ConditionalCheckFailed",
        item,
      }));
      const isRefused = refusals.some((refusal) => refusal.isRefused);
      const item = isRefused ? refusals[0]?.item : await getItem(table, key).catch(() => undefined);
      if (item?.[token.attribute]?.S === token.value) return { kind: "written" };
      if (isRefused) return { kind: "refused", refusals };
      const isPassing = reasons?.some(({ Code: code = "" }) => PASSING_REASONS.has(code));
      if (!isPassing || tries === TRIES) throw error;
      await backOff(table, tries);
    }
  }
};

export const backOff = (table: TableAddress, tries: number): Promise<void> =>
  table.backOff?.(tries) ?? sleep(10 * 2 ** tries * (0.5 + Math.random() / 2));

/**
 * Tells a refusal from our own success met again. The SDK repeats a write whose answer was lost and
 * then fails on the condition that the first one made false: an item that bears this write's token
 * is a success. After an outage (the SDK repeats only while its budget lasts) the item is read and
 * asked for the token, before the error is passed on as an unknown outcome.
 */
const proven = async (
  table: TableAddress,
  key: Key,
  token: Update["token"],
  write: () => Promise<Item>,
): Promise<Written> => {
  const isOurs = (item: Item | undefined): item is Item =>
    token !== undefined && item?.[token.attribute]?.S === token.value;
  try {
    return { kind: "written", item: await outOfConflict(table, write) };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      const item = error.Item;
      return isOurs(item) ? { kind: "written", item } : { kind: "refused", item };
    }
    const item = token && (await getItem(table, key).catch(() => undefined));
    if (isOurs(item)) return { kind: "written", item };
    throw error;
  }
};

/**
 * A transaction under way on the item refuses the write, which the SDK does not repeat: a claim that
 * meets its job's own creation, or a result that meets a cancel.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
 */
const outOfConflict = async <T>(table: TableAddress, write: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof TransactionConflictException) || tries === TRIES) throw error;
      await backOff(table, tries);
    }
  }
};
