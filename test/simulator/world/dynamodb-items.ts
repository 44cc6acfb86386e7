import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { refuse, unsupported } from "./dynamodb-errors.ts";
import { attributeOf } from "./expressions.ts";
import type { Change } from "./expressions-update.ts";
import { canonicalNumber } from "./expressions-values.ts";
import type { Item } from "./expressions-values.ts";

/**
 * Items as they are kept: copies of what was sent, frozen, so that they can be handed out as they
 * are, with their sizes.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export interface StoredItem {
  readonly item: Item;
  readonly sizeBytes: number;
  /** Bytes can not be frozen: an item with some is copied when it is handed out. */
  readonly hasBytes: boolean;
}

const MAX_ITEM_BYTES = 409_600;
const MAX_DEPTH = 32;

export const toStored = (sent: Item): StoredItem => {
  const item: Record<string, AttributeValue> = {};
  let sizeBytes = 0;
  let hasBytes = false;
  for (const name of Object.keys(sent)) {
    const value = sent[name];
    // The SDK sends nothing of it.
    if (value === undefined) continue;
    if (name === "__proto__") unsupported("an attribute called __proto__");
    const kept = frozenCopy(value, 0);
    item[name] = kept;
    sizeBytes += textBytes(name) + valueBytes(kept);
    hasBytes ||= holdsBytes(kept);
  }
  return checked({ item: Object.freeze(item), sizeBytes, hasBytes });
};

/** The item that an update makes: what it does not name is shared with the one before. */
export const changed = (before: StoredItem, changes: readonly Change[]): StoredItem => {
  const removed = changes.filter(({ name, value }) => !value && attributeOf(before.item, name));
  const item = removed.length === 0 ? { ...before.item } : without(before.item, removed);
  let { sizeBytes, hasBytes } = before;
  for (const { name, value } of changes) {
    const standing = attributeOf(before.item, name);
    if (standing) sizeBytes -= textBytes(name) + valueBytes(standing);
    if (!value) continue;
    const kept = frozenCopy(value, 0);
    item[name] = kept;
    sizeBytes += textBytes(name) + valueBytes(kept);
    hasBytes ||= holdsBytes(kept);
  }
  return checked({ item: Object.freeze(item), sizeBytes, hasBytes });
};

const without = (item: Item, removed: readonly Change[]): Record<string, AttributeValue> => {
  const rest: Record<string, AttributeValue> = {};
  for (const name of Object.keys(item)) {
    if (!removed.some((change) => change.name === name)) rest[name] = item[name] as AttributeValue;
  }
  return rest;
};

const checked = (stored: StoredItem): StoredItem =>
  stored.sizeBytes > MAX_ITEM_BYTES
    ? refuse("Item size has exceeded the maximum allowed size")
    : stored;

/** The item as it may be handed out. */
export const handedOut = ({ item, hasBytes }: StoredItem): Record<string, AttributeValue> => {
  // It is frozen, which no type of the SDK can say.
  if (!hasBytes) return item as Record<string, AttributeValue>;
  const copy: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(item)) {
    copy[name] = holdsBytes(value) ? frozenCopy(value, 0) : value;
  }
  return copy;
};

/** These attributes of it alone. */
export const projected = (
  item: Record<string, AttributeValue>,
  names: readonly string[] | undefined,
): Record<string, AttributeValue> => {
  if (!names) return item;
  const part: Record<string, AttributeValue> = {};
  for (const name of names) {
    const value = attributeOf(item, name);
    if (value) part[name] = value;
  }
  return part;
};

const frozenCopy = (value: AttributeValue, depth: number): AttributeValue => {
  if (depth > MAX_DEPTH) refuse("nesting levels have exceeded supported limits");
  const { S, N, B, BOOL, NULL, L, M } = value;
  if (S !== undefined) return Object.freeze({ S });
  if (N !== undefined) return Object.freeze({ N: canonicalNumber(N) });
  if (B !== undefined) return Object.freeze({ B: Uint8Array.from(B) });
  if (BOOL !== undefined) return Object.freeze({ BOOL });
  if (NULL !== undefined) return Object.freeze({ NULL });
  if (L !== undefined) {
    const list = L.map((inner) => frozenCopy(inner, depth + 1));
    return Object.freeze({ L: Object.freeze(list) as AttributeValue[] });
  }
  if (M !== undefined) {
    const entries = Object.entries(M).map(([name, inner]) => [name, frozenCopy(inner, depth + 1)]);
    const map = Object.fromEntries(entries) as Record<string, AttributeValue>;
    return Object.freeze({ M: Object.freeze(map) });
  }
  return frozenSet(value);
};

const frozenSet = ({ SS, NS, BS }: AttributeValue): AttributeValue => {
  const size = SS?.length ?? NS?.length ?? BS?.length;
  if (size === undefined) return unsupported("a value of no type that it knows");
  if (size === 0) refuse("a set may not be empty");
  const texts = SS ?? NS?.map(canonicalNumber) ?? BS?.map((bytes) => String(bytes)) ?? [];
  if (new Set(texts).size < size) refuse("a set holds each of its members once");
  if (SS) return Object.freeze({ SS: Object.freeze([...SS]) as string[] });
  if (NS) return Object.freeze({ NS: Object.freeze(texts) as string[] });
  const copies = (BS ?? []).map((bytes) => Uint8Array.from(bytes));
  return Object.freeze({ BS: Object.freeze(copies) as Uint8Array[] });
};

const holdsBytes = ({ B, BS, L, M }: AttributeValue): boolean =>
  B !== undefined ||
  BS !== undefined ||
  (L !== undefined && L.some(holdsBytes)) ||
  (M !== undefined && Object.values(M).some(holdsBytes));

const valueBytes = ({ S, N, B, BOOL, NULL, L, M, SS, NS, BS }: AttributeValue): number => {
  if (S !== undefined) return textBytes(S);
  if (N !== undefined) return numberBytes(N);
  if (B !== undefined) return B.length;
  if (BOOL !== undefined || NULL !== undefined) return 1;
  if (L !== undefined) return L.reduce((sum, inner) => sum + 1 + valueBytes(inner), 3);
  if (M !== undefined) {
    return Object.entries(M).reduce(
      (sum, [name, inner]) => sum + 1 + textBytes(name) + valueBytes(inner),
      3,
    );
  }
  if (SS !== undefined) return SS.reduce((sum, text) => sum + textBytes(text), 0);
  if (NS !== undefined) return NS.reduce((sum, number) => sum + numberBytes(number), 0);
  return (BS ?? []).reduce((sum, bytes) => sum + bytes.length, 0);
};

const [ZERO, NINE] = [0x30, 0x39];

/** A byte for two significant digits, one for the exponent, and one for a minus. */
const numberBytes = (number: string): number => {
  let [digits, zeros] = [0, 0];
  for (let at = 0; at < number.length; at += 1) {
    const unit = number.charCodeAt(at);
    if (unit < ZERO || unit > NINE) continue;
    if (unit === ZERO) {
      zeros += 1;
      continue;
    }
    // Zeros before the first digit and after the last one are not kept.
    digits = digits === 0 ? 1 : digits + zeros + 1;
    zeros = 0;
  }
  return Math.ceil(digits / 2) + 1 + (number.startsWith("-") ? 1 : 0);
};

const SHORT_LENGTH = 32;

/** In UTF-8; most are short and of ASCII, for which a call out of JavaScript costs more. */
export const textBytes = (text: string): number => {
  if (text.length > SHORT_LENGTH) return Buffer.byteLength(text);
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) > 0x7f) return Buffer.byteLength(text);
  }
  return text.length;
};
