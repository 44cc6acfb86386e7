import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import type {
  AttributeValue,
  DeleteItemCommandInput,
  PutItemCommandInput,
  UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { shown, totalOf } from "./dynamodb-capacity.ts";
import type { Consumed } from "./dynamodb-capacity.ts";
import { refuse, refuseOthers, unsupported } from "./dynamodb-errors.ts";
import type { Key } from "./dynamodb-index.ts";
import { changed, handedOut, projected, toStored } from "./dynamodb-items.ts";
import type { StoredItem } from "./dynamodb-items.ts";
import { writeUnits } from "./dynamodb-table.ts";
import type { Table, Write } from "./dynamodb-table.ts";
import { checkPlaceholders, compiledCondition, nameOf } from "./expressions.ts";
import type { Names, Values } from "./expressions.ts";
import { compiledUpdate } from "./expressions-update.ts";
import type { CompiledUpdate } from "./expressions-update.ts";
import type { Item } from "./expressions-values.ts";

/** What requests share: the tables, the time, and what is counted. */
export interface Server {
  readonly now: () => number;
  readonly lagMs: () => number;
  readonly onWrite:
    ((key: Key, before: Item | undefined, after: Item | undefined) => void) | undefined;
  readonly consumed: Consumed;
  readonly tableOf: (name: string | undefined) => Table;
}

export const METADATA = Object.freeze({ httpStatusCode: 200 });

const CONDITIONAL = [
  "TableName",
  "ConditionExpression",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
  "ReturnValuesOnConditionCheckFailure",
];
const SINGLE = [...CONDITIONAL, "ReturnValues", "ReturnConsumedCapacity"];
const SUPPORTED = {
  put: { alone: new Set([...SINGLE, "Item"]), inTransaction: new Set([...CONDITIONAL, "Item"]) },
  remove: { alone: new Set([...SINGLE, "Key"]), inTransaction: new Set([...CONDITIONAL, "Key"]) },
  update: {
    alone: new Set([...SINGLE, "Key", "UpdateExpression"]),
    inTransaction: new Set([...CONDITIONAL, "Key", "UpdateExpression"]),
  },
};
const NOTHING: Item = Object.freeze({});

/** What every conditional write says. */
interface Conditional {
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Names;
  readonly ExpressionAttributeValues?: Values;
}

/** A write whose condition was asked, and that has not been made yet. */
export interface Judged {
  readonly table: Table;
  readonly key: Key;
  readonly before: StoredItem | undefined;
  readonly holds: boolean;
  /** @throws if there is no such item, or none that an index could take */
  readonly prepare: () => Write;
}

type Place = "alone" | "inTransaction";

export const judgePut = (server: Server, input: PutItemCommandInput, place: Place): Judged => {
  refuseOthers("a put", input, SUPPORTED.put[place]);
  const table = server.tableOf(input.TableName);
  const key = table.keyOf(input.Item, true);
  const after = toStored(input.Item ?? NOTHING);
  return judge(table, key, input, undefined, () => after);
};

export const judgeDelete = (
  server: Server,
  input: DeleteItemCommandInput,
  place: Place,
): Judged => {
  refuseOthers("a delete", input, SUPPORTED.remove[place]);
  const table = server.tableOf(input.TableName);
  return judge(table, table.keyOf(input.Key), input, undefined, () => undefined);
};

export const judgeUpdate = (
  server: Server,
  input: UpdateItemCommandInput,
  place: Place,
): Judged => {
  refuseOthers("an update", input, SUPPORTED.update[place]);
  const table = server.tableOf(input.TableName);
  const key = table.keyOf(input.Key);
  const { UpdateExpression: text } = input;
  const update = text === undefined ? undefined : compiledUpdate(text);
  return judge(table, key, input, update, (before) => {
    const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = input;
    const changes = update?.changes(before?.item ?? NOTHING, names, values) ?? [];
    for (const { name } of changes) {
      if (name !== table.key.pk && name !== table.key.sk) continue;
      refuse(`cannot update ${name}: it is part of the key`);
    }
    return changed(before ?? toStored(table.attributesOf(key)), changes);
  });
};

/** A condition alone, as a transaction may state it. */
export const judge = (
  table: Table,
  key: Key,
  asked: Conditional,
  update: CompiledUpdate | undefined,
  after: (before: StoredItem | undefined) => StoredItem | undefined,
): Judged => {
  const { ConditionExpression: text } = asked;
  const { ExpressionAttributeNames: names, ExpressionAttributeValues: values } = asked;
  const condition = text === undefined ? undefined : compiledCondition(text);
  checkPlaceholders(names, values, condition, update);
  const before = table.find(key);
  const holds = !condition || condition.holds(before?.item ?? NOTHING, names, values);
  return { table, key, before, holds, prepare: () => table.prepare(key, before, after(before)) };
};

export const putItem = (server: Server, input: PutItemCommandInput) => {
  const judged = judgePut(server, input, "alone");
  const write = carryOut(server, judged, input.ReturnValuesOnConditionCheckFailure);
  return answer(judged, write, input.ReturnConsumedCapacity, returnedOld(judged, input));
};

export const deleteItem = (server: Server, input: DeleteItemCommandInput) => {
  const judged = judgeDelete(server, input, "alone");
  const write = carryOut(server, judged, input.ReturnValuesOnConditionCheckFailure);
  return answer(judged, write, input.ReturnConsumedCapacity, returnedOld(judged, input));
};

export const updateItem = (server: Server, input: UpdateItemCommandInput) => {
  const judged = judgeUpdate(server, input, "alone");
  const write = carryOut(server, judged, input.ReturnValuesOnConditionCheckFailure);
  const attributes = returned(input, write);
  return answer(judged, write, input.ReturnConsumedCapacity, attributes);
};

/** Makes a write that was prepared, and tells of it. */
export const commit = (server: Server, table: Table, write: Write): void =>
  table.commit(write, server.now(), server.lagMs);

export const tell = ({ onWrite }: Server, { key, before, after }: Write): void => {
  if (!onWrite || (!before && !after)) return;
  onWrite(key, before?.item, after?.item);
};

const carryOut = (server: Server, judged: Judged, asked: string | undefined): Write => {
  const { before } = judged;
  if (!judged.holds) {
    server.consumed.writeUnits += writeUnits(before?.sizeBytes ?? 0);
    throw new ConditionalCheckFailedException({
      message: "The conditional request failed",
      $metadata: { httpStatusCode: 400 },
      ...(asked === "ALL_OLD" && before ? { Item: handedOut(before) } : {}),
    });
  }
  const write = judged.prepare();
  server.consumed.writeUnits += totalOf(write.cost);
  commit(server, judged.table, write);
  tell(server, write);
  return write;
};

const answer = (
  { table }: Judged,
  write: Write,
  asked: string | undefined,
  attributes: Record<string, AttributeValue> | undefined,
) => {
  const consumed = shown(asked, table.name, write.cost);
  if (!consumed) {
    return attributes ? { $metadata: METADATA, Attributes: attributes } : { $metadata: METADATA };
  }
  return {
    $metadata: METADATA,
    ConsumedCapacity: consumed,
    ...(attributes ? { Attributes: attributes } : {}),
  };
};

const returnedOld = (
  { before }: Judged,
  { ReturnValues: asked }: PutItemCommandInput | DeleteItemCommandInput,
) => {
  if (asked === undefined || asked === "NONE") return undefined;
  if (asked !== "ALL_OLD") return refuse(`ReturnValues ${asked} of what is no update`);
  return before && handedOut(before);
};

const returned = (input: UpdateItemCommandInput, { before, after }: Write) => {
  switch (input.ReturnValues) {
    case undefined:
    case "NONE":
      return undefined;
    case "ALL_OLD":
      return before && handedOut(before);
    case "ALL_NEW":
      return after && handedOut(after);
    case "UPDATED_OLD":
      return before && projected(handedOut(before), updatedBy(input));
    case "UPDATED_NEW":
      return after && projected(handedOut(after), updatedBy(input));
    default:
      return unsupported(`ReturnValues ${String(input.ReturnValues)}`);
  }
};

const updatedBy = ({
  UpdateExpression: text,
  ExpressionAttributeNames: names,
}: UpdateItemCommandInput) =>
  text === undefined ? [] : compiledUpdate(text).targets.map((token) => nameOf(token, names));
