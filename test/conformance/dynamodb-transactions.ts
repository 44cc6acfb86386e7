import { randomUUID } from "node:crypto";
import { TransactionCanceledException, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient, TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { expect } from "vitest";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { refusalOf } from "./describe-conformance.ts";
import type { State } from "./describe-conformance.ts";
import { unitsOf } from "./dynamodb-capacity.ts";
import { aKey, filledTo, get, put, toItem } from "./dynamodb-items.ts";
import type { Texts } from "./dynamodb-items.ts";

/** Several writes, both or neither: a job and the hold on its dedupe key. */
export const stateTransactions = (state: State, clientOf: () => DynamoDBClient): void => {
  const transact = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
    clientOf().send(
      new TransactWriteItemsCommand({
        TransactItems,
        ClientRequestToken: ClientRequestToken ?? randomUUID(),
        ReturnConsumedCapacity: "INDEXES",
      }),
    );
  const putIfAbsent = (texts: Texts, returnsItem = true): TransactWriteItem => ({
    Put: {
      TableName: TABLE_NAME,
      Item: toItem(texts),
      ConditionExpression: "attribute_not_exists(pk)",
      ...(returnsItem ? { ReturnValuesOnConditionCheckFailure: "ALL_OLD" } : {}),
    },
  });
  /** Per write: the reason's code, and the item that it brings. */
  const reasonsOf = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof TransactionCanceledException)) throw new Error(String(error));
    return (error.CancellationReasons ?? []).map(({ Code: code, Item: item }) => [code, item]);
  };

  state("writes all of a transaction", async () => {
    const [job, hold] = [aKey(), { ...aKey(), sk: "DEDUPE" }];
    await transact([putIfAbsent(job), putIfAbsent(hold)]);
    expect(await get(clientOf(), job)).toEqual(toItem(job));
    expect(await get(clientOf(), hold)).toEqual(toItem(hold));
  });

  state("writes nothing of it if a condition fails, and says which, with the item", async () => {
    const [job, hold] = [aKey(), { ...aKey(), jid: "another" }];
    await put(clientOf(), hold);
    const reasons = await reasonsOf(transact([putIfAbsent(job), putIfAbsent(hold)]));
    expect(reasons).toEqual([
      ["None", undefined],
      ["ConditionalCheckFailed", toItem(hold)],
    ]);
    expect(await get(clientOf(), job)).toBeUndefined();
  });

  state("names each condition of it that failed, and the item only if asked for", async () => {
    const [first, second] = [aKey(), aKey()];
    await put(clientOf(), first);
    await put(clientOf(), second);
    const reasons = await reasonsOf(transact([putIfAbsent(first), putIfAbsent(second, false)]));
    expect(reasons).toEqual([
      ["ConditionalCheckFailed", toItem(first)],
      ["ConditionalCheckFailed", undefined],
    ]);
  });

  state("updates and deletes in one transaction, both or neither", async () => {
    const job = { ...aKey(), st: "waiting" };
    const hold = { ...aKey(), jid: "mine" };
    await put(clientOf(), job);
    await put(clientOf(), hold);
    const cancelIf = (jid: string): TransactWriteItem[] => [
      {
        Update: {
          TableName: TABLE_NAME,
          Key: toItem({ pk: job.pk, sk: job.sk }),
          UpdateExpression: "SET st = :new",
          ConditionExpression: "st = :old",
          ExpressionAttributeValues: toItem({ ":new": "cancelled", ":old": "waiting" }),
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
      {
        Delete: {
          TableName: TABLE_NAME,
          Key: toItem({ pk: hold.pk, sk: hold.sk }),
          ConditionExpression: "attribute_not_exists(pk) OR jid = :id",
          ExpressionAttributeValues: toItem({ ":id": jid }),
        },
      },
    ];
    const reasons = await reasonsOf(transact(cancelIf("another")));
    expect(reasons.map(([code]) => code)).toEqual(["None", "ConditionalCheckFailed"]);
    expect(await get(clientOf(), job)).toEqual(toItem(job));
    await transact(cancelIf("mine"));
    expect(await get(clientOf(), job)).toEqual(toItem({ ...job, st: "cancelled" }));
    expect(await get(clientOf(), hold)).toBeUndefined();
  });

  state("lets one of several transactions win that are made at once on one condition", async () => {
    const hold = aKey();
    const jobs = Array.from({ length: 8 }, aKey);
    const outcomes = await Promise.all(
      jobs.map((job) => refusalOf(transact([putIfAbsent(job), putIfAbsent(hold)]))),
    );
    // AWS may cancel some for their conflict with others, but never all, nor lets two through.
    expect(outcomes.filter((outcome) => outcome === "accepted")).toHaveLength(1);
    const made = await Promise.all(jobs.map((job) => get(clientOf(), job)));
    expect(made.map((item) => item !== undefined)).toEqual(
      outcomes.map((outcome) => outcome === "accepted"),
    );
  });

  state("carries a transaction out once that is repeated with its token", async () => {
    const counter = aKey();
    const add = (by: string): TransactWriteItem[] => [
      {
        Update: {
          TableName: TABLE_NAME,
          Key: toItem(counter),
          UpdateExpression: "ADD made :by",
          ExpressionAttributeValues: { ":by": { N: by } },
        },
      },
    ];
    const token = randomUUID();
    await transact(add("1"), token);
    await transact(add("1"), token);
    expect((await get(clientOf(), counter))?.["made"]).toEqual({ N: "1" });
  });

  state("answers the repeat of a put that its own condition would refuse now", async () => {
    const [job, hold] = [aKey(), aKey()];
    const token = randomUUID();
    const writes = [putIfAbsent(job), putIfAbsent(hold)];
    await transact(writes, token);
    expect(await refusalOf(transact(writes, token))).toBe("accepted");
    expect(await refusalOf(transact(writes))).toBe("TransactionCanceledException");
  });

  state("refuses another transaction with the token of one", async () => {
    const token = randomUUID();
    await transact([putIfAbsent(aKey())], token);
    const another = transact([putIfAbsent(aKey())], token);
    expect(await refusalOf(another)).toBe("IdempotentParameterMismatchException");
  });

  state("bills two units a kilobyte of the table for a transaction's writes", async () => {
    const job = filledTo(900, aKey());
    const hold = filledTo(1_100, aKey());
    const { ConsumedCapacity: consumed } = await transact([putIfAbsent(job), putIfAbsent(hold)]);
    expect(unitsOf(consumed?.[0])).toEqual({ all: 6, table: 6, indexes: {} });
  });

  state("bills an index of a transaction's write with a unit at least", async () => {
    const job = filledTo(900, { ...aKey(), tpk: "t1#0", tsk: "00001" });
    const { ConsumedCapacity: consumed } = await transact([putIfAbsent(job)]);
    const { table, indexes } = unitsOf(consumed?.[0]);
    expect(table).toBe(2);
    // AWS documents two units for a kilobyte that is written, and nothing of indexes.
    expect([1, 2]).toContain(indexes["by_tenant"]);
  });
};
