import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { refuse } from "./dynamodb-errors.ts";
import { checkKey, firstWhere, LaggingIndex } from "./dynamodb-index.ts";
import type { IndexEntry, IndexSchema, Key, Row, Track } from "./dynamodb-index.ts";
import type { StoredItem } from "./dynamodb-items.ts";
import { compareTexts } from "./expressions-values.ts";
import type { Item } from "./expressions-values.ts";

const KILOBYTE = 1_024;

/** An item's place; it outlives the item while an index still shows it. */
interface Cell extends Row {
  stored: StoredItem | undefined;
  readonly tracks: readonly Track[];
}

/** An item that is about to change. */
export interface Write {
  readonly key: Key;
  readonly before: StoredItem | undefined;
  readonly after: StoredItem | undefined;
  /** Per index: what it is to hold, where that changes. */
  readonly entries: readonly ({ readonly entry: IndexEntry | undefined } | undefined)[];
  readonly cost: WriteCost;
}

export interface WriteCost {
  readonly table: number;
  /** Of those indexes that took some. */
  readonly indexes: Readonly<Record<string, number>>;
}

const NO_ENTRIES: Write["entries"] = Object.freeze([]);
const NO_INDEXES: Readonly<Record<string, number>> = Object.freeze({});

/** One table with its indexes. Nothing here knows of requests. */
export class Table {
  readonly name: string;
  /** The names of its key's attributes. */
  readonly key: Key;
  readonly indexes: readonly LaggingIndex[];
  ttlAttribute: string | undefined;
  readonly #partitions = new Map<string, Cell[]>();
  #scanOrder: readonly string[] | undefined;

  constructor(name: string, key: Key, indexes: readonly IndexSchema[]) {
    this.name = name;
    this.key = key;
    this.indexes = indexes.map((schema) => new LaggingIndex(schema, key));
  }

  /** @param isWhole whether the attributes are an item, rather than a key alone */
  keyOf(attributes: Item | undefined, isWhole = false): Key {
    const [pk, sk] = [attributes?.[this.key.pk]?.S, attributes?.[this.key.sk]?.S];
    const isKey = pk !== undefined && sk !== undefined;
    if (!isKey) return refuse("the provided key element does not match the schema");
    if (!isWhole && Object.keys(attributes ?? {}).length > 2) {
      refuse("the provided key element does not match the schema");
    }
    return checkKey({ pk, sk });
  }

  attributesOf({ pk, sk }: Key): Record<string, AttributeValue> {
    return { [this.key.pk]: { S: pk }, [this.key.sk]: { S: sk } };
  }

  find(key: Key): StoredItem | undefined {
    return this.#cell(key)?.stored;
  }

  rows(pk: string): readonly Row[] {
    return this.#partitions.get(pk) ?? [];
  }

  /** Its partitions in the order of a scan: of hashes, as good as none, but always the same. */
  partitions(): readonly string[] {
    this.#scanOrder ??= [...this.#partitions.keys()].toSorted(compareInScan);
    return this.#scanOrder;
  }

  /** @throws if an index could not take the item */
  prepare(key: Key, before: StoredItem | undefined, after: StoredItem | undefined): Write {
    const bytes = Math.max(before?.sizeBytes ?? 0, after?.sizeBytes ?? 0);
    const table = writeUnits(bytes);
    if (this.indexes.every((index) => index.isTheSame(before, after))) {
      return { key, before, after, entries: NO_ENTRIES, cost: { table, indexes: NO_INDEXES } };
    }
    const indexes: Record<string, number> = {};
    const entries = this.indexes.map((index) => {
      if (index.isTheSame(before, after)) return undefined;
      const was = before && index.entryOf(key, before);
      const entry = after && index.entryOf(key, after);
      const units = unitsOf(was?.stored) + unitsOf(entry?.stored);
      if (units > 0) indexes[index.schema.name] = units;
      return { entry };
    });
    return { key, before, after, entries, cost: { table, indexes } };
  }

  /** @param lagMs asked for each index that changes */
  commit({ key, after, entries }: Write, nowMs: number, lagMs: () => number): void {
    const cell = this.#cell(key) ?? this.#newCell(key);
    cell.stored = after;
    const drop = () => this.#dropIfDone(cell);
    for (let at = 0; at < entries.length; at += 1) {
      const [index, change, track] = [this.indexes[at], entries[at], cell.tracks[at]];
      if (!index || !change || !track || (!change.entry && !track.latest)) continue;
      index.catchUp(nowMs);
      index.change(track, change.entry, nowMs, lagMs(), drop);
    }
    if (!after) drop();
  }

  #cell({ pk, sk }: Key): Cell | undefined {
    const cells = this.#partitions.get(pk);
    if (!cells) return undefined;
    const [first] = cells;
    if (first?.sk === sk) return first;
    const cell = cells[firstWhere(cells, (each) => compareTexts(each.sk, sk) >= 0)];
    return cell?.sk === sk ? cell : undefined;
  }

  #newCell({ pk, sk }: Key): Cell {
    const tracks = this.indexes.map((): Track => ({
      shown: undefined,
      latest: undefined,
      visibleAtMs: 0,
      onTheirWay: 0,
    }));
    const cell: Cell = { pk, sk, sort: sk, stored: undefined, tracks };
    const cells = this.#partitions.get(pk);
    if (cells)
      cells.splice(
        firstWhere(cells, (each) => compareTexts(each.sk, sk) >= 0),
        0,
        cell,
      );
    else {
      this.#partitions.set(pk, [cell]);
      this.#scanOrder = undefined;
    }
    return cell;
  }

  #dropIfDone(cell: Cell): void {
    if (cell.stored || cell.tracks.some(({ onTheirWay }) => onTheirWay > 0)) return;
    const cells = this.#partitions.get(cell.pk);
    const at = cells?.indexOf(cell) ?? -1;
    if (!cells || at < 0) return;
    cells.splice(at, 1);
    if (cells.length > 0) return;
    this.#partitions.delete(cell.pk);
    this.#scanOrder = undefined;
  }
}

export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / KILOBYTE));

const unitsOf = (stored: StoredItem | undefined): number =>
  stored ? writeUnits(stored.sizeBytes) : 0;

export const compareInScan = (a: string, b: string): number =>
  hash(a) - hash(b) || compareTexts(a, b);

/** FNV-1a, over UTF-16. */
const hash = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
};
