import { randomUUID } from "node:crypto";
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient, QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { expect } from "vitest";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { eventually } from "../support/eventually.ts";
import { refusalOf } from "./describe-conformance.ts";
import type { State } from "./describe-conformance.ts";
import { aKey, put, toItem } from "./dynamodb-items.ts";
import type { Texts } from "./dynamodb-items.ts";

/** Queries of the table and of both indexes, and reads of many items. */
export const stateReads = (state: State, clientOf: () => DynamoDBClient): void => {
  const query = (more: Partial<QueryCommandInput>) =>
    clientOf().send(new QueryCommand({ TableName: TABLE_NAME, ...more }));
  const tenant = (tpk: string, more: Partial<QueryCommandInput> = {}) =>
    query({
      IndexName: "by_tenant",
      KeyConditionExpression: "tpk = :pk",
      ExpressionAttributeValues: toItem({ ":pk": tpk }),
      ...more,
    });
  const attention = (npk: string) =>
    query({
      IndexName: "needs_attention",
      KeyConditionExpression: "npk = :pk",
      ExpressionAttributeValues: toItem({ ":pk": npk }),
    });
  const positions = ({ Items: items = [] }: Awaited<ReturnType<typeof query>>) =>
    items.map(({ tsk }) => tsk?.S);

  /** So many jobs of one tenant, made one after the other, and readable in the index. */
  const jobsOf = async (tpk: string, count: number, more: Texts = {}) => {
    const jobs = Array.from({ length: count }, (_, n) => ({
      ...aKey(),
      tpk,
      tsk: String(n).padStart(5, "0"),
      ...more,
    }));
    for (const job of jobs) await put(clientOf(), { ...job, type: "webhook.dispatch" });
    await eventually("the index has them all", async () =>
      (await tenant(tpk)).Count === count ? true : undefined,
    );
    return jobs;
  };
  const aTenant = () => `t-${randomUUID()}#0`;
  const attentionIs = (npk: string, expected: readonly string[]) =>
    eventually(`${npk} holds ${expected.join()}`, async () =>
      positions(await attention(npk)).join() === expected.join() ? true : undefined,
    );

  state("queries an index in the order of its sort key, up and down", async () => {
    const tpk = aTenant();
    await jobsOf(tpk, 5);
    const up = ["00000", "00001", "00002", "00003", "00004"];
    expect(positions(await tenant(tpk))).toEqual(up);
    const down = await tenant(tpk, { ScanIndexForward: false });
    expect(positions(down)).toEqual(up.toReversed());
  });

  state("brings the keys alone out of an index of keys", async () => {
    const tpk = aTenant();
    const npk = `failed#${tpk}`;
    const [job] = await jobsOf(tpk, 1, { npk });
    await attentionIs(npk, ["00000"]);
    const key = { pk: job?.pk ?? "", sk: "JOB", tsk: "00000" };
    expect((await tenant(tpk)).Items).toEqual([toItem({ ...key, tpk })]);
    expect((await attention(npk)).Items).toEqual([toItem({ ...key, npk })]);
  });

  state("keeps an item in a sparse index only while it has the key", async () => {
    const tpk = aTenant();
    const [waiting, failed] = [`waiting#${tpk}`, `failed#${tpk}`];
    const [job] = await jobsOf(tpk, 1);
    const change = (UpdateExpression: string, values?: Texts) =>
      clientOf().send(
        new UpdateItemCommand({
          TableName: TABLE_NAME,
          Key: toItem({ pk: job?.pk ?? "", sk: "JOB" }),
          UpdateExpression,
          ExpressionAttributeValues: values && toItem(values),
        }),
      );
    expect(positions(await attention(waiting))).toEqual([]);
    await change("SET npk = :npk", { ":npk": waiting });
    await attentionIs(waiting, ["00000"]);
    await change("SET npk = :npk", { ":npk": failed });
    await attentionIs(waiting, []);
    await attentionIs(failed, ["00000"]);
    await change("REMOVE npk");
    await attentionIs(failed, []);
    expect(positions(await tenant(tpk))).toEqual(["00000"]);
  });

  state("pages through an index, every item once, while newer ones come", async () => {
    const tpk = aTenant();
    await jobsOf(tpk, 7);
    const seen: (string | undefined)[] = [];
    let ExclusiveStartKey: QueryCommandInput["ExclusiveStartKey"];
    do {
      const page = await tenant(tpk, { ScanIndexForward: false, Limit: 3, ExclusiveStartKey });
      expect(page.Count).toBeLessThanOrEqual(3);
      seen.push(...positions(page));
      ExclusiveStartKey = page.LastEvaluatedKey;
      await put(clientOf(), { ...aKey(), tpk, tsk: `1000${seen.length}` });
    } while (ExclusiveStartKey);
    expect(seen).toEqual(["00006", "00005", "00004", "00003", "00002", "00001", "00000"]);
  });

  state("goes on after an item that was deleted since, and that others equal", async () => {
    const tpk = aTenant();
    await jobsOf(tpk, 4);
    await put(clientOf(), { ...aKey(), tpk, tsk: "00002" });
    const all = await eventually("the equal one is in the index", async () => {
      const { Items: items = [] } = await tenant(tpk, { ScanIndexForward: false });
      return items.length === 5 ? items : undefined;
    });
    const first = await tenant(tpk, { ScanIndexForward: false, Limit: 2 });
    const last = first.LastEvaluatedKey;
    await clientOf().send(
      new DeleteItemCommand({
        TableName: TABLE_NAME,
        Key: { pk: last?.["pk"] ?? { S: "" }, sk: last?.["sk"] ?? { S: "" } },
      }),
    );
    const rest = await tenant(tpk, { ScanIndexForward: false, ExclusiveStartKey: last });
    expect([...(first.Items ?? []), ...(rest.Items ?? [])]).toEqual(all);
  });

  state("queries an index below a position, which need not be there", async () => {
    const tpk = aTenant();
    await jobsOf(tpk, 4);
    const before = (position: string) =>
      tenant(tpk, {
        KeyConditionExpression: "tpk = :pk AND tsk < :before",
        ExpressionAttributeValues: toItem({ ":pk": tpk, ":before": position }),
        ScanIndexForward: false,
        Limit: 2,
      });
    expect(positions(await before("00002"))).toEqual(["00001", "00000"]);
    expect(positions(await before("00002#"))).toEqual(["00002", "00001"]);
    expect(positions(await before("00000"))).toEqual([]);
  });

  state("queries the table between two sort keys, both included, at once after a put", async () => {
    const { pk } = aKey();
    const keys = ["JOB", "ATTEMPT#000001", "ATTEMPT#000002", "ATTEMPT#000010", "PAYLOAD#1"];
    for (const sk of keys) await put(clientOf(), { pk, sk });
    const page = await query({
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
      ExpressionAttributeValues: toItem({
        ":pk": pk,
        ":first": "ATTEMPT#000001",
        ":last": "ATTEMPT#000002",
      }),
      ConsistentRead: true,
    });
    expect(page.Items).toEqual([
      toItem({ pk, sk: "ATTEMPT#000001" }),
      toItem({ pk, sk: "ATTEMPT#000002" }),
    ]);
    expect(page.LastEvaluatedKey).toBeUndefined();
  });

  state("ends a page before it holds more than a megabyte, and goes on from there", async () => {
    const { pk } = aKey();
    const fill = "x".repeat(300_000);
    for (const sk of ["1", "2", "3", "4"]) await put(clientOf(), { pk, sk, fill });
    const page = (ExclusiveStartKey?: QueryCommandInput["ExclusiveStartKey"]) =>
      query({
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: toItem({ ":pk": pk }),
        ExclusiveStartKey,
      });
    const { Count: count, LastEvaluatedKey: last } = await page();
    expect(count).toBeLessThan(4);
    const { Count: restCount, LastEvaluatedKey: end } = await page(last);
    expect([(count ?? 0) + (restCount ?? 0), end]).toEqual([4, undefined]);
  });

  state("reads a hundred items in one call, and leaves out what is missing", async () => {
    const made = Array.from({ length: 60 }, aKey);
    await Promise.all(made.map((item) => put(clientOf(), item)));
    const missing = Array.from({ length: 40 }, aKey);
    const read = (keys: readonly Texts[]) =>
      clientOf().send(
        new BatchGetItemCommand({ RequestItems: { [TABLE_NAME]: { Keys: keys.map(toItem) } } }),
      );
    const { Responses: found, UnprocessedKeys: left } = await read([...missing, ...made]);
    const ids = (found?.[TABLE_NAME] ?? []).map(({ pk }) => pk?.S).toSorted();
    expect(ids).toEqual(made.map(({ pk }) => pk).toSorted());
    expect(left?.[TABLE_NAME]).toBeUndefined();
    const tooMany = read([...missing, ...made, aKey()]);
    expect(await refusalOf(tooMany)).toBe("ValidationException");
  });
};
