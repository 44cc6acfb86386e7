import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { refuse } from "./dynamodb-errors.ts";
import { textBytes } from "./dynamodb-items.ts";
import type { StoredItem } from "./dynamodb-items.ts";
import { compareTexts } from "./expressions-values.ts";

/** The attributes of a key, or, where `pk` and `sk` are, their texts. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

export interface IndexSchema {
  readonly name: string;
  readonly key: Key;
}

/** What a query walks: an item in the table, or what an index holds of it. */
export interface Row extends Key {
  /** Its place within its partition; equal ones stand by the key of their item. */
  readonly sort: string;
  readonly stored: StoredItem | undefined;
}

/** What an index holds of an item: keys alone. */
export interface IndexEntry extends Row {
  readonly partition: string;
  readonly stored: StoredItem;
}

/** How far an index has come with one item. */
export interface Track {
  /** What a query finds. */
  shown: IndexEntry | undefined;
  /** What it will find when nothing is on its way any more. */
  latest: IndexEntry | undefined;
  visibleAtMs: number;
  onTheirWay: number;
}

interface Change {
  readonly track: Track;
  readonly entry: IndexEntry | undefined;
  readonly visibleAtMs: number;
  readonly settled: () => void;
}

/**
 * An index that may lag behind its table: a change is seen once its instant has come, which is
 * looked at when somebody asks. The changes of one item are seen in their order.
 */
export class LaggingIndex {
  readonly schema: IndexSchema;
  readonly #tableKey: Key;
  readonly #namesBytes: number;
  readonly #partitions = new Map<string, IndexEntry[]>();
  /** The next one at the end. */
  readonly #onTheirWay: Change[] = [];

  constructor(schema: IndexSchema, tableKey: Key) {
    this.schema = schema;
    this.#tableKey = tableKey;
    const names = [tableKey.pk, tableKey.sk, schema.key.pk, schema.key.sk];
    this.#namesBytes = names.reduce((sum, name) => sum + textBytes(name), 0);
  }

  /** What it holds of an item, if the item has both keys. */
  entryOf(key: Key, stored: StoredItem): IndexEntry | undefined {
    const { schema } = this;
    const partition = keyTextOf(stored, schema, "pk");
    const sort = keyTextOf(stored, schema, "sk");
    if (partition === undefined || sort === undefined) return undefined;
    const { pk, sk } = this.#tableKey;
    const item = {
      [pk]: stored.item[pk] as AttributeValue,
      [sk]: stored.item[sk] as AttributeValue,
      [schema.key.pk]: stored.item[schema.key.pk] as AttributeValue,
      [schema.key.sk]: stored.item[schema.key.sk] as AttributeValue,
    };
    const texts = textBytes(key.pk) + textBytes(key.sk) + textBytes(partition) + textBytes(sort);
    const sizeBytes = this.#namesBytes + texts;
    const kept = { item: Object.freeze(item), sizeBytes, hasBytes: false };
    return { pk: key.pk, sk: key.sk, partition, sort, stored: kept };
  }

  isTheSame(before: StoredItem | undefined, after: StoredItem | undefined): boolean {
    const { pk, sk } = this.schema.key;
    const [was, is] = [before?.item, after?.item];
    return isSameText(was?.[pk], is?.[pk]) && isSameText(was?.[sk], is?.[sk]);
  }

  /** @param settled called when the change is seen, unless that is at once */
  change(
    track: Track,
    entry: IndexEntry | undefined,
    nowMs: number,
    lagMs: number,
    settled: () => void,
  ): void {
    track.latest = entry;
    if (lagMs <= 0 && track.onTheirWay === 0) return this.#show(track, entry);
    const visibleAtMs = Math.max(nowMs + lagMs, track.visibleAtMs);
    track.visibleAtMs = visibleAtMs;
    track.onTheirWay += 1;
    const at = firstWhere(this.#onTheirWay, (change) => change.visibleAtMs <= visibleAtMs);
    this.#onTheirWay.splice(at, 0, { track, entry, visibleAtMs, settled });
  }

  catchUp(nowMs: number): void {
    for (;;) {
      const next = this.#onTheirWay.at(-1);
      if (!next || next.visibleAtMs > nowMs) return;
      this.#onTheirWay.pop();
      next.track.onTheirWay -= 1;
      this.#show(next.track, next.entry);
      next.settled();
    }
  }

  rows(partition: string): readonly IndexEntry[] {
    return this.#partitions.get(partition) ?? [];
  }

  #show(track: Track, entry: IndexEntry | undefined): void {
    const { shown } = track;
    if (shown) {
      const rows = this.#partitions.get(shown.partition) ?? [];
      if (rows.length === 1) this.#partitions.delete(shown.partition);
      else rows.splice(placeOf(rows, shown), 1);
    }
    if (entry) {
      const rows = this.#partitions.get(entry.partition);
      if (rows) rows.splice(placeOf(rows, entry), 0, entry);
      else this.#partitions.set(entry.partition, [entry]);
    }
    track.shown = entry;
  }
}

const MAX_KEY_BYTES = { pk: 2_048, sk: 1_024 };

/** Of absent ones, too; a value that is no text is never the same, so that it is looked at. */
const isSameText = (a: AttributeValue | undefined, b: AttributeValue | undefined): boolean =>
  a === b || (a?.S !== undefined && a.S === b?.S);

const keyTextOf = (
  stored: StoredItem,
  { name, key }: IndexSchema,
  part: "pk" | "sk",
): string | undefined => {
  const value = stored.item[key[part]];
  if (!value) return undefined;
  const isKey = value.S !== undefined && value.S !== "";
  if (!isKey || textBytes(value.S) > MAX_KEY_BYTES[part]) {
    return refuse(`index ${name} can not have this key: ${key[part]}`);
  }
  return value.S;
};

/** Refuses the texts that are no key. */
export const checkKey = (key: Key): Key => {
  for (const part of ["pk", "sk"] as const) {
    const text = key[part];
    if (text === "") refuse("a key attribute cannot contain an empty string value");
    // No text has more than three bytes for each of its units.
    if (text.length * 3 > MAX_KEY_BYTES[part] && textBytes(text) > MAX_KEY_BYTES[part]) {
      refuse(`a key is longer than ${MAX_KEY_BYTES[part]} bytes`);
    }
  }
  return key;
};

export const compareRows = (
  a: Pick<Row, "sort" | "pk" | "sk">,
  b: Pick<Row, "sort" | "pk" | "sk">,
): number => compareTexts(a.sort, b.sort) || compareTexts(a.pk, b.pk) || compareTexts(a.sk, b.sk);

/** Where it stands among rows in their order, or would. */
export const placeOf = (rows: readonly Row[], row: Pick<Row, "sort" | "pk" | "sk">): number => {
  const last = rows.at(-1);
  // What is newest sorts last in both of our indexes.
  if (last && compareRows(last, row) < 0) return rows.length;
  return firstWhere(rows, (each) => compareRows(each, row) >= 0);
};

/** The first one of which it is true, in a list where it stays true from there on. */
export const firstWhere = <T>(list: readonly T[], isTrue: (each: T) => boolean): number => {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isTrue(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
};
