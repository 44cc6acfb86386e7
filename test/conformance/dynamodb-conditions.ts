import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect } from "vitest";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { refusalOf } from "./describe-conformance.ts";
import type { State } from "./describe-conformance.ts";
import { aKey, get, put, toItem } from "./dynamodb-items.ts";
import type { Texts } from "./dynamodb-items.ts";

const MAX_ITEM_BYTES = 409_600;
const MAX_SORT_KEY_BYTES = 1_024;

/** Single writes: conditions, what a refusal brings, and the limits. */
export const stateConditions = (state: State, clientOf: () => DynamoDBClient): void => {
  const putIf = (texts: Texts, condition: string, values?: Texts) =>
    clientOf().send(
      new PutItemCommand({
        TableName: TABLE_NAME,
        Item: toItem(texts),
        ConditionExpression: condition,
        ExpressionAttributeValues: values && toItem(values),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  const update = ({ pk, sk }: Texts, condition: string, values: Texts = {}) =>
    clientOf().send(
      new UpdateItemCommand({
        TableName: TABLE_NAME,
        Key: toItem({ pk: pk ?? "", sk: sk ?? "" }),
        UpdateExpression: "SET st = :new REMOVE gone",
        ConditionExpression: condition,
        ExpressionAttributeValues: toItem({ ":new": "new", ...values }),
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  const remove = ({ pk, sk }: Texts, condition: string, values?: Texts) =>
    clientOf().send(
      new DeleteItemCommand({
        TableName: TABLE_NAME,
        Key: toItem({ pk: pk ?? "", sk: sk ?? "" }),
        ConditionExpression: condition,
        ExpressionAttributeValues: values && toItem(values),
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  const standing = async <T extends Texts>(more: T) => {
    const texts = { ...aKey(), st: "old", ...more };
    await put(clientOf(), texts);
    return texts;
  };
  /** What a refused condition brings with it: the item that stands there, if one does. */
  const foundBy = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (thrown: ConditionalCheckFailedException) => thrown,
    );
    expect(error?.name).toBe("ConditionalCheckFailedException");
    return error?.Item;
  };

  state("puts where nothing stands, and refuses the next put with what stands there", async () => {
    const first = { ...aKey(), st: "old" };
    await putIf(first, "attribute_not_exists(pk)");
    const second = { ...first, st: "second" };
    expect(await foundBy(putIf(second, "attribute_not_exists(pk)"))).toEqual(toItem(first));
    expect(await get(clientOf(), first)).toEqual(toItem(first));
  });

  state("refuses a put that wants something where nothing stands, without an item", async () => {
    const key = aKey();
    expect(await foundBy(putIf(key, "made_at < :x", { ":x": "9" }))).toBeUndefined();
    expect(await get(clientOf(), key)).toBeUndefined();
  });

  state("puts over an item if one of several conditions holds", async () => {
    const first = await standing({ held: "5" });
    const isFree = "attribute_not_exists(pk) OR (attribute_not_exists(ptr) AND held <= :now)";
    expect(await foundBy(putIf(first, isFree, { ":now": "4" }))).toEqual(toItem(first));
    const second = { ...aKey(), pk: first.pk, st: "second" };
    await putIf(second, isFree, { ":now": "5" });
    expect(await get(clientOf(), first)).toEqual(toItem(second));
  });

  state("updates an item on a condition, and answers with all of it", async () => {
    const item = await standing({ gone: "x", kept: "y" });
    const { Attributes: found } = await update(item, "st = :old", { ":old": "old" });
    const { gone: _, ...left } = item;
    expect(found).toEqual(toItem({ ...left, st: "new" }));
  });

  state("refuses an update with the item that stands there, unchanged", async () => {
    const item = await standing({});
    expect(await foundBy(update(item, "st = :x", { ":x": "x" }))).toEqual(toItem(item));
    expect(await get(clientOf(), item)).toEqual(toItem(item));
  });

  state("refuses an update where nothing stands, and makes no item of it", async () => {
    const key = aKey();
    expect(await foundBy(update(key, "attribute_exists(pk)"))).toBeUndefined();
    expect(await get(clientOf(), key)).toBeUndefined();
  });

  state("compares with an absent attribute to false, whatever the comparison", async () => {
    const item = await standing({});
    for (const comparison of ["absent = :x", "absent <= :x", "absent > :x"]) {
      expect(await foundBy(update(item, comparison, { ":x": "x" }))).toEqual(toItem(item));
    }
  });

  state("deletes an item on a condition, or refuses with what stands there", async () => {
    const item = await standing({ jid: "mine" });
    const isMine = "attribute_not_exists(pk) OR jid = :id";
    expect(await foundBy(remove(item, isMine, { ":id": "another" }))).toEqual(toItem(item));
    await remove(item, isMine, { ":id": "mine" });
    expect(await get(clientOf(), item)).toBeUndefined();
  });

  state("deletes nothing where nothing stands: refused or not, as the condition says", async () => {
    const key = aKey();
    await remove(key, "attribute_not_exists(pk) OR jid = :id", { ":id": "mine" });
    expect(await foundBy(remove(key, "attribute_exists(pk)"))).toBeUndefined();
  });

  state("lets one of many puts win that are made at once on one condition", async () => {
    const key = aKey();
    const puts = Array.from({ length: 20 }, (_, n) =>
      refusalOf(putIf({ ...key, by: String(n) }, "attribute_not_exists(pk)")),
    );
    const outcomes = await Promise.all(puts);
    expect(outcomes.filter((outcome) => outcome === "accepted")).toHaveLength(1);
    expect(await get(clientOf(), key)).toEqual(
      toItem({ ...key, by: String(outcomes.indexOf("accepted")) }),
    );
  });

  state("lets one of many updates win that are made at once on one condition", async () => {
    const item = await standing({});
    const updates = Array.from({ length: 20 }, () =>
      refusalOf(update(item, "st = :old", { ":old": "old" })),
    );
    const outcomes = await Promise.all(updates);
    expect(outcomes.filter((outcome) => outcome === "accepted")).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(["accepted", "ConditionalCheckFailedException"]));
  });

  state("keeps bytes, numbers of 38 digits, lists and maps as they were put", async () => {
    const key = aKey();
    const item = {
      ...toItem(key),
      bytes: { B: Uint8Array.from({ length: 256 }, (_, byte) => byte) },
      number: { N: "12345678901234567890123456789012345678" },
      list: { L: [{ N: "1" }, { L: [{ S: "__proto__" }, { S: "" }] }] },
      map: { M: { baseMs: { N: "0.5" }, flag: { BOOL: true }, none: { NULL: true } } },
    };
    await clientOf().send(new PutItemCommand({ TableName: TABLE_NAME, Item: item }));
    expect(await get(clientOf(), key)).toEqual(item);
  });

  state("keeps an item of 409,600 bytes, and refuses one byte more", async () => {
    const texts = { ...aKey(), body: "" };
    const bodyBytes = MAX_ITEM_BYTES - "pksk".length - texts.pk.length - "JOBbody".length;
    const putBody = (bytes: number) =>
      clientOf().send(
        new PutItemCommand({
          TableName: TABLE_NAME,
          Item: { ...toItem(texts), body: { B: new Uint8Array(bytes) } },
        }),
      );
    expect(await refusalOf(putBody(bodyBytes + 1))).toBe("ValidationException");
    expect(await get(clientOf(), texts)).toBeUndefined();
    await putBody(bodyBytes);
    expect((await get(clientOf(), texts))?.["body"]?.B).toHaveLength(bodyBytes);
  });

  state("keeps a sort key of 1,024 bytes, and refuses one byte more", async () => {
    const { pk } = aKey();
    // Bytes of UTF-8, not characters.
    const longest = { pk, sk: "é".repeat(MAX_SORT_KEY_BYTES / 2) };
    await put(clientOf(), longest);
    expect(await get(clientOf(), longest)).toEqual(toItem(longest));
    const longer = put(clientOf(), { pk, sk: `${longest.sk}x` });
    expect(await refusalOf(longer)).toBe("ValidationException");
  });

  state("refuses a condition that uses a reserved word as it is", async () => {
    const call = putIf(aKey(), "until <= :x OR hash = :x", { ":x": "x" });
    expect(await refusalOf(call)).toBe("ValidationException");
  });
};
