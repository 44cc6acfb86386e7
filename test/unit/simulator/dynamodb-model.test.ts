import {
  DeleteItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { expect, it } from "vitest";
import { updateOf } from "../../../lambdas/adapters/dynamodb/table.ts";
import type { Update } from "../../../lambdas/adapters/dynamodb/table.ts";
import { provisionTable, TABLE_NAME } from "../../../lib/local/provision.ts";
import { SimulatedDynamoDb } from "../../simulator/world/dynamodb.ts";

/**
 * Random histories of writes in the manner of our adapters, beside a model that is a map: the
 * outcomes, the table, the index as it was a while ago, and what the hook was told.
 */

type Stored = Readonly<Record<string, string | number>>;
type Table = ReadonlyMap<string, Stored>;

/** One write: on the simulated table, and on the model, or `undefined` if the model refuses it. */
interface Step {
  readonly name: string;
  readonly send: (db: SimulatedDynamoDb) => void;
  readonly model: (table: Table) => Table | undefined;
}

const jobIds = ["1", "2", "3"];
const keyOf = (id: string) => ({ pk: `JOB#${id}`, sk: "JOB" });
const address = { name: TABLE_NAME } as Parameters<typeof updateOf>[0];
const update = (update: Update) => updateOf(address, update);

const put = (table: Table, id: string, item: Stored): Table => new Map(table).set(id, item);
const without = (table: Table, id: string): Table => {
  const rest = new Map(table);
  rest.delete(id);
  return rest;
};

const id = fc.constantFrom(...jobIds);
const n = fc.nat({ max: 3 });

const create = fc.tuple(id, n).map(([id, n]): Step => {
  const item: Stored = { ...keyOf(id), tpk: "t", tsk: `${n}#${id}`, st: "waiting", att: n };
  return {
    name: `create ${id}`,
    send: (db) =>
      db.apply(
        new PutItemCommand({
          TableName: TABLE_NAME,
          Item: marshall(item),
          ConditionExpression: "attribute_not_exists(pk) OR (st = :over AND att < :n)",
          ExpressionAttributeValues: marshall({ ":over": "success", ":n": n }),
        }),
      ),
    model: (table) => {
      const standing = table.get(id);
      const isReplaceable = standing?.["st"] === "success" && Number(standing["att"] ?? 9) < n;
      return !standing || isReplaceable ? put(table, id, item) : undefined;
    },
  };
});

const claim = fc.tuple(id, n).map(([id, n]): Step => ({
  name: `claim ${id}`,
  send: (db) =>
    db.apply(
      new UpdateItemCommand(
        update({
          key: keyOf(id),
          set: { st: "processing", att: n + 1, clt: `token-${n}` },
          condition: "#st = :waiting AND #att = :made",
          values: { ":waiting": "waiting", ":made": n },
        }),
      ),
    ),
  model: (table) => {
    const standing = table.get(id);
    if (standing?.["st"] !== "waiting" || standing["att"] !== n) return undefined;
    return put(table, id, { ...standing, st: "processing", att: n + 1, clt: `token-${n}` });
  },
}));

const end = fc
  .tuple(id, n, fc.constantFrom("waiting", "success", "dlq"))
  .map(([id, n, st]): Step => ({
    name: `end ${id} as ${st}`,
    send: (db) =>
      db.apply(
        new UpdateItemCommand(
          update({
            key: keyOf(id),
            set: st === "success" ? { st } : { st, npk: `${st}#t` },
            remove: st === "success" ? ["clt", "npk"] : ["clt"],
            condition: "#clt = :token",
            values: { ":token": `token-${n}` },
          }),
        ),
      ),
    model: (table) => {
      const { clt, npk: _npk, ...standing } = table.get(id) ?? {};
      if (clt !== `token-${n}`) return undefined;
      const attention = st === "success" ? {} : { npk: `${st}#t` };
      return put(table, id, { ...standing, st, ...attention } as Stored);
    },
  }));

const take = fc.tuple(id, n).map(([id, n]): Step => ({
  name: `take ${n} of ${id}`,
  send: (db) =>
    db.apply(
      new UpdateItemCommand({
        TableName: TABLE_NAME,
        Key: marshall(keyOf(id)),
        UpdateExpression: "SET tat = if_not_exists(tat, :zero) + :n",
        ConditionExpression: "attribute_not_exists(tat) OR NOT tat > :most",
        ExpressionAttributeValues: marshall({ ":zero": 0, ":n": n, ":most": 5 }),
      }),
    ),
  model: (table) => {
    const standing = table.get(id);
    const tat = standing?.["tat"];
    if (tat !== undefined && Number(tat) > 5) return undefined;
    return put(table, id, { ...keyOf(id), ...standing, tat: Number(tat ?? 0) + n });
  },
}));

const remove = fc.tuple(id, n).map(([id, n]): Step => ({
  name: `remove ${id}`,
  send: (db) =>
    db.apply(
      new DeleteItemCommand({
        TableName: TABLE_NAME,
        Key: marshall(keyOf(id)),
        ConditionExpression: "attribute_not_exists(pk) OR att IN (:n, :other)",
        ExpressionAttributeValues: marshall({ ":n": n, ":other": 2 }),
      }),
    ),
  model: (table) => {
    const standing = table.get(id);
    const isRight = !standing || standing["att"] === n || standing["att"] === 2;
    return isRight ? without(table, id) : undefined;
  },
}));

/** One job takes another one's place, both or neither. */
const replace = fc
  .tuple(id, id, n)
  .filter(([from, to]) => from !== to)
  .map(([from, to, n]): Step => {
    const item: Stored = { ...keyOf(to), tpk: "t", tsk: `${n}#${to}`, st: "waiting", att: n };
    return {
      name: `replace ${from} by ${to}`,
      send: (db) =>
        db.apply(
          new TransactWriteItemsCommand({
            TransactItems: [
              {
                Update: update({
                  key: keyOf(from),
                  set: { st: "cancelled", npk: "cancelled#t" },
                  condition: "#st = :waiting",
                  values: { ":waiting": "waiting" },
                }),
              },
              {
                Put: {
                  TableName: TABLE_NAME,
                  Item: marshall(item),
                  ConditionExpression: "attribute_not_exists(pk)",
                },
              },
            ],
          }),
        ),
      model: (table) => {
        const standing = table.get(from);
        if (standing?.["st"] !== "waiting" || table.has(to)) return undefined;
        const cancelled = put(table, from, { ...standing, st: "cancelled", npk: "cancelled#t" });
        return put(cancelled, to, item);
      },
    };
  });

const isRefused = (write: () => void): boolean => {
  try {
    write();
    return false;
  } catch (error) {
    const refusals = ["ConditionalCheckFailedException", "TransactionCanceledException"];
    if (error instanceof Error && refusals.includes(error.name)) return true;
    throw error;
  }
};

const listed = (table: Table, partition: string, key: "tpk" | "npk") =>
  [...table.values()]
    .filter((item) => item[key] === partition && item["tsk"] !== undefined)
    .map(({ pk, sk, tsk }) => ({ pk, sk, tsk, [key]: partition }))
    .toSorted((a, b) => (String(a.tsk) < String(b.tsk) ? -1 : 1));

it("does as a map would, with indexes that show what was a while ago", async () => {
  const step = fc.oneof(create, claim, end, take, remove, replace);
  const history = fc.array(fc.tuple(step, fc.integer({ min: 0, max: 5 })), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(history, fc.integer({ min: 0, max: 12 }), async (history, lagMs) => {
      let nowMs = 0;
      const told = new Map<string, unknown>();
      const db = new SimulatedDynamoDb({
        now: () => nowMs,
        indexLagMs: () => lagMs,
        onWrite: ({ pk }, before, after) => {
          expect(told.get(pk)).toEqual(before);
          told.set(pk, after);
        },
      });
      await provisionTable(db.client());
      let table: Table = new Map();
      const past: { readonly atMs: number; readonly table: Table }[] = [{ atMs: -lagMs, table }];
      const indexed = (index: string, key: "tpk" | "npk", partition: string) =>
        db
          .apply(
            new QueryCommand({
              TableName: TABLE_NAME,
              IndexName: index,
              KeyConditionExpression: `${key} = :p`,
              ExpressionAttributeValues: { ":p": { S: partition } },
            }),
          )
          .Items?.map((item) => unmarshall(item));
      for (const [{ name, send, model }, passesMs] of history) {
        const after = model(table);
        expect(
          isRefused(() => send(db)),
          name,
        ).toBe(after === undefined);
        table = after ?? table;
        past.push({ atMs: nowMs, table });
        const { Items: items = [] } = db.apply(new ScanCommand({ TableName: TABLE_NAME }));
        const found = new Map(items.map((item) => [item["pk"]?.S?.slice(4), unmarshall(item)]));
        expect(found, name).toEqual(table);
        const seen = past.findLast(({ atMs }) => atMs <= nowMs - lagMs)?.table ?? new Map();
        expect(indexed("by_tenant", "tpk", "t"), name).toEqual(listed(seen, "t", "tpk"));
        for (const partition of ["waiting#t", "dlq#t", "cancelled#t"]) {
          const expected = listed(seen, partition, "npk");
          expect(indexed("needs_attention", "npk", partition), name).toEqual(expected);
        }
        nowMs += passesMs;
      }
      expect([...told.values()].filter(Boolean)).toHaveLength(table.size);
    }),
    { numRuns: 200 },
  );
});
