import { randomBytes } from "node:crypto";
import { marshall } from "@aws-sdk/util-dynamodb";
import { CURSOR_SECRET_BYTES } from "../../core/rules/cursor.ts";
import { getItem, putItemIf } from "./table.ts";
import type { TableAddress } from "./table.ts";

const KEY = { pk: "SECRET#cursor", sk: "SECRET" };

/**
 * The secret that seals cursors: one for the table, made by whoever needs it first, so that it is
 * the same for every function and after every restart, and costs nothing.
 */
export const makeCursorSecret = (table: TableAddress): (() => Promise<Uint8Array>) => {
  let known: Promise<Uint8Array> | undefined;
  return () => {
    known ??= findOrMake(table).catch((error: unknown) => {
      known = undefined; // so that the next one asks again
      throw error;
    });
    return known;
  };
};

const findOrMake = async (table: TableAddress): Promise<Uint8Array> => {
  const found = await getItem(table, KEY);
  if (found?.["secret"]?.B) return found["secret"].B;
  const token = { attribute: "wrt", value: randomBytes(9).toString("base64url") };
  const item = marshall({ ...KEY, secret: randomBytes(CURSOR_SECRET_BYTES), wrt: token.value });
  const written = await putItemIf(table, item, "attribute_not_exists(pk)", undefined, token);
  const secret = written.item?.["secret"]?.B;
  if (!secret) throw new Error("the cursor secret could not be made");
  return secret;
};
