import type {
  AttributeValue,
  BatchGetItemCommandInput,
  GetItemCommandInput,
  KeysAndAttributes,
  QueryCommandInput,
  ScanCommandInput,
} from "@aws-sdk/client-dynamodb";
import { readUnits, shown } from "./dynamodb-capacity.ts";
import { refuse, refuseOthers, unsupported } from "./dynamodb-errors.ts";
import { compareRows, firstWhere } from "./dynamodb-index.ts";
import type { Key, LaggingIndex, Row } from "./dynamodb-index.ts";
import { handedOut, projected } from "./dynamodb-items.ts";
import { compareInScan } from "./dynamodb-table.ts";
import type { Table } from "./dynamodb-table.ts";
import { METADATA } from "./dynamodb-writes.ts";
import type { Server } from "./dynamodb-writes.ts";
import { checkPlaceholders, compiledCondition, compiledProjection, nameOf } from "./expressions.ts";
import type { Names } from "./expressions.ts";
import { keyRangeOf } from "./expressions-keys.ts";

/** Reads of one item, of many, and page by page. */

const MAX_PAGE_BYTES = 1_024 * 1_024;
const MAX_BATCH_BYTES = 16 * 1_024 * 1_024;
const MAX_BATCH_KEYS = 100;

const READ = ["ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"];
const SUPPORTED_GET = new Set([...READ, "TableName", "Key", "ReturnConsumedCapacity"]);
const SUPPORTED_BATCH = new Set(["RequestItems", "ReturnConsumedCapacity"]);
const SUPPORTED_KEYS = new Set([...READ, "Keys"]);
const PAGED = [
  ...READ,
  "TableName",
  "ExpressionAttributeValues",
  "FilterExpression",
  "Limit",
  "ExclusiveStartKey",
  "ReturnConsumedCapacity",
];
const SUPPORTED_SCAN = new Set(PAGED);
const SUPPORTED_QUERY = new Set([
  ...PAGED,
  "IndexName",
  "KeyConditionExpression",
  "ScanIndexForward",
]);

export const getItem = (server: Server, input: GetItemCommandInput) => {
  refuseOthers("a get", input, SUPPORTED_GET);
  const table = server.tableOf(input.TableName);
  const found = table.find(table.keyOf(input.Key));
  const names = projectionOf(input);
  const units = readUnits(found?.sizeBytes ?? 0, input.ConsistentRead);
  server.consumed.readUnits += units;
  const cost = { table: units, indexes: {} };
  const consumed = shown(input.ReturnConsumedCapacity, table.name, cost);
  return {
    $metadata: METADATA,
    ...(found ? { Item: projected(handedOut(found), names) } : {}),
    ...(consumed ? { ConsumedCapacity: consumed } : {}),
  };
};

export const batchGetItem = (server: Server, input: BatchGetItemCommandInput) => {
  refuseOthers("a batch of gets", input, SUPPORTED_BATCH);
  const requests = Object.entries(input.RequestItems ?? {});
  const keyCount = requests.reduce((sum, [, { Keys: keys = [] }]) => sum + keys.length, 0);
  if (keyCount === 0 || keyCount > MAX_BATCH_KEYS)
    refuse(`a batch has 1 to ${MAX_BATCH_KEYS} keys`);
  const responses: Record<string, Record<string, AttributeValue>[]> = {};
  const unprocessed: Record<string, KeysAndAttributes> = {};
  const consumed = requests.map(([name, request]) => {
    refuseOthers("a batch of gets", request, SUPPORTED_KEYS);
    const table = server.tableOf(name);
    const { items, units, left } = manyOf(table, request);
    responses[name] = items;
    if (left.length > 0) unprocessed[name] = { ...request, Keys: left };
    server.consumed.readUnits += units;
    return shown(input.ReturnConsumedCapacity, table.name, { table: units, indexes: {} });
  });
  return {
    $metadata: METADATA,
    Responses: responses,
    UnprocessedKeys: unprocessed,
    ...(consumed[0] ? { ConsumedCapacity: consumed } : {}),
  };
};

const manyOf = (table: Table, request: KeysAndAttributes) => {
  const names = projectionOf(request);
  const sent = request.Keys ?? [];
  const keys = sent.map((key) => table.keyOf(key));
  if (new Set(keys.map(({ pk, sk }) => JSON.stringify([pk, sk]))).size < keys.length) {
    refuse("provided list of item keys contains duplicates");
  }
  const items: Record<string, AttributeValue>[] = [];
  let [bytes, units] = [0, 0];
  for (const [index, key] of keys.entries()) {
    const found = table.find(key);
    bytes += found?.sizeBytes ?? 0;
    if (bytes > MAX_BATCH_BYTES) return { items, units, left: sent.slice(index) };
    units += readUnits(found?.sizeBytes ?? 0, request.ConsistentRead);
    if (found) items.push(projected(handedOut(found), names));
  }
  return { items, units, left: [] };
};

export const query = (server: Server, input: QueryCommandInput) => {
  refuseOthers("a query", input, SUPPORTED_QUERY);
  const table = server.tableOf(input.TableName);
  const index = indexOf(table, input);
  index?.catchUp(server.now());
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
  const { KeyConditionExpression: text } = input;
  if (text === undefined) return unsupported("a query without KeyConditionExpression");
  const keyCondition = compiledCondition(text);
  const key = index?.schema.key ?? table.key;
  const range = keyRangeOf(keyCondition.condition, key, names, values);
  if (input.FilterExpression !== undefined) refuseKeysIn(input.FilterExpression, key, names);
  const rows = index ? index.rows(range.partition) : table.rows(range.partition);
  let first = firstWhere(rows, (row) => range.place(row.sort) >= 0);
  let end = firstWhere(rows, (row) => range.place(row.sort) > 0);
  const isForward = input.ScanIndexForward !== false;
  const { ExclusiveStartKey: startKey } = input;
  if (startKey) {
    const start = startOf(table, index, startKey);
    if (start.partition !== range.partition) refuse("the provided starting key is invalid");
    if (isForward) {
      first = Math.max(
        first,
        firstWhere(rows, (row) => compareRows(row, start) > 0),
      );
    } else
      end = Math.min(
        end,
        firstWhere(rows, (row) => compareRows(row, start) >= 0),
      );
  }
  return page(server, table, index, input, between(rows, first, end, isForward), keyCondition);
};

export const scan = (server: Server, input: ScanCommandInput) => {
  refuseOthers("a scan", input, SUPPORTED_SCAN);
  const table = server.tableOf(input.TableName);
  const { ExclusiveStartKey: startKey } = input;
  const start = startKey && table.keyOf(startKey);
  return page(server, table, undefined, input, scanned(table, start), undefined);
};

function* between(rows: readonly Row[], first: number, end: number, isForward: boolean) {
  if (isForward) for (let at = first; at < end; at += 1) yield rows[at] as Row;
  else for (let at = end - 1; at >= first; at -= 1) yield rows[at] as Row;
}

function* scanned(table: Table, start: Key | undefined) {
  const partitions = table.partitions();
  const first = start ? firstWhere(partitions, (each) => compareInScan(each, start.pk) >= 0) : 0;
  for (let at = first; at < partitions.length; at += 1) {
    const rows = table.rows(partitions[at] as string);
    const isAfter = (row: Row) =>
      compareRows(row, { ...(start as Key), sort: start?.sk ?? "" }) > 0;
    const isStarts = start !== undefined && partitions[at] === start.pk;
    yield* between(rows, isStarts ? firstWhere(rows, isAfter) : 0, rows.length, true);
  }
}

const page = (
  server: Server,
  table: Table,
  index: LaggingIndex | undefined,
  input: QueryCommandInput | ScanCommandInput,
  rows: Iterable<Row>,
  keyCondition: ReturnType<typeof compiledCondition> | undefined,
) => {
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
  const { FilterExpression: filterText, ProjectionExpression: projectionText } = input;
  const filter = filterText === undefined ? undefined : compiledCondition(filterText);
  const projection = projectionText === undefined ? undefined : compiledProjection(projectionText);
  checkPlaceholders(names, values, filter, projection, keyCondition);
  const shownNames = projection?.paths.map((path) => nameOf(path, names));
  const limit = input.Limit ?? Infinity;
  if (limit < 1) refuse("Limit must be at least 1");

  const items: Record<string, AttributeValue>[] = [];
  let [count, bytes] = [0, 0];
  let last: Row | undefined;
  let isMore = false;
  for (const row of rows) {
    const { stored } = row;
    // Only an index still shows it.
    if (!stored) continue;
    isMore = last !== undefined && bytes + stored.sizeBytes > MAX_PAGE_BYTES;
    if (isMore) break;
    last = row;
    count += 1;
    bytes += stored.sizeBytes;
    if (!filter || filter.holds(stored.item, names, values)) {
      items.push(projected(handedOut(stored), shownNames));
    }
    isMore = count >= limit;
    if (isMore) break;
  }

  const units = readUnits(bytes, input.ConsistentRead);
  server.consumed.readUnits += units;
  const cost = index
    ? { table: 0, indexes: { [index.schema.name]: units } }
    : { table: units, indexes: {} };
  const consumed = shown(input.ReturnConsumedCapacity, table.name, cost);
  return {
    $metadata: METADATA,
    Items: items,
    Count: items.length,
    ScannedCount: count,
    // Without looking whether anything follows, as the server does.
    ...(isMore && last ? { LastEvaluatedKey: positionOf(table, index, last) } : {}),
    ...(consumed ? { ConsumedCapacity: consumed } : {}),
  };
};

const indexOf = (table: Table, input: QueryCommandInput): LaggingIndex | undefined => {
  if (input.IndexName === undefined) return undefined;
  if (input.ConsistentRead === true) refuse("consistent reads are not supported on an index");
  const index = table.indexes.find(({ schema }) => schema.name === input.IndexName);
  return index ?? refuse(`the table does not have the specified index: ${input.IndexName}`);
};

const refuseKeysIn = (filter: string, key: Key, names: Names): void => {
  for (const path of compiledCondition(filter).paths) {
    const name = nameOf(path, names);
    if (name === key.pk || name === key.sk) refuse(`a filter can not name the key ${name}`);
  }
};

/** Where a page ended. */
const positionOf = (table: Table, index: LaggingIndex | undefined, row: Row) =>
  index && row.stored ? handedOut(row.stored) : table.attributesOf(row);

const startOf = (
  table: Table,
  index: LaggingIndex | undefined,
  startKey: Record<string, AttributeValue>,
): Key & { readonly partition: string; readonly sort: string } => {
  const key = table.keyOf(startKey, index !== undefined);
  if (!index) return { ...key, partition: key.pk, sort: key.sk };
  const { pk, sk } = index.schema.key;
  const [partition, sort] = [startKey[pk]?.S, startKey[sk]?.S];
  if (partition === undefined || sort === undefined) {
    return refuse("the provided starting key is invalid");
  }
  return { ...key, partition, sort };
};

const projectionOf = (input: {
  readonly ProjectionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Names;
}): readonly string[] | undefined => {
  const { ProjectionExpression: text, ExpressionAttributeNames: names } = input;
  const projection = text === undefined ? undefined : compiledProjection(text);
  checkPlaceholders(names, undefined, projection);
  return projection?.paths.map((path) => nameOf(path, names));
};
