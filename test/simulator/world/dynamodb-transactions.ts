import {
  DynamoDBServiceException,
  IdempotentParameterMismatchException,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import type {
  CancellationReason,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
} from "@aws-sdk/client-dynamodb";
import { readUnits, shown, totalOf } from "./dynamodb-capacity.ts";
import { refuse, refuseOthers, unsupported } from "./dynamodb-errors.ts";
import { handedOut } from "./dynamodb-items.ts";
import { writeUnits } from "./dynamodb-table.ts";
import type { Write, WriteCost } from "./dynamodb-table.ts";
import {
  commit,
  judge,
  judgeDelete,
  judgePut,
  judgeUpdate,
  METADATA,
  tell,
} from "./dynamodb-writes.ts";
import type { Judged, Server } from "./dynamodb-writes.ts";

/**
 * Several writes, all or none. One at a time, so none is ever cancelled for its conflict with
 * another: whoever wants that puts it in front.
 */

const TOKEN_LIFE_MS = 600_000;
const MAX_ACTIONS = 100;
const MAX_BYTES = 4 * 1_024 * 1_024;
const SUPPORTED = new Set(["TransactItems", "ClientRequestToken", "ReturnConsumedCapacity"]);
const SUPPORTED_CHECK = new Set([
  "TableName",
  "Key",
  "ConditionExpression",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
  "ReturnValuesOnConditionCheckFailure",
]);

/** Transactions that were carried out, by their tokens, the oldest first. */
export type KnownTokens = Map<
  string,
  { readonly atMs: number; readonly request: string; readonly costs: readonly TableCost[] }
>;

interface TableCost {
  readonly name: string;
  readonly cost: WriteCost;
  readonly bytes: number;
}

interface Action extends Judged {
  readonly isCheck: boolean;
  readonly returnsItem: boolean;
}

export const transactWriteItems = (
  server: Server,
  known: KnownTokens,
  input: TransactWriteItemsCommandInput,
) => {
  refuseOthers("a transaction", input, SUPPORTED);
  const { TransactItems: items = [], ClientRequestToken: token } = input;
  const request = token === undefined ? "" : printed(items);
  const repeated = token === undefined ? undefined : knownTo(known, token, server.now());
  if (repeated) {
    if (repeated.request !== request) throw mismatch();
    return answer(input, readAgain(server, repeated.costs));
  }
  const actions = items.map((item) => actionOf(server, item));
  checkActions(actions);
  const writes = actions.map(prepared);
  const costs = writes.map((write, index) => costOf(actions[index] as Action, write));
  for (const { cost } of costs) server.consumed.writeUnits += totalOf(cost);
  const isCancelled = writes.some((write) => !("cost" in write));
  if (isCancelled)
    throw cancelled(writes.map((write) => ("cost" in write ? { Code: "None" } : write)));
  const made = (writes as Write[]).filter((_, index) => actions[index]?.isCheck === false);
  for (const [index, write] of (writes as Write[]).entries()) {
    const action = actions[index];
    if (action && !action.isCheck) commit(server, action.table, write);
  }
  if (token !== undefined) known.set(token, { atMs: server.now(), request, costs });
  for (const write of made) tell(server, write);
  return answer(input, costs);
};

const actionOf = (server: Server, item: TransactWriteItem): Action => {
  const { Put, Update, Delete, ConditionCheck, ...others } = item;
  const [action, another] = [Put, Update, Delete, ConditionCheck].filter(Boolean);
  if (!action || another) refuse("each item of a transaction has exactly one action");
  refuseOthers("a transaction's item", others, new Set());
  const returnsItem = action?.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
  const kind = { isCheck: ConditionCheck !== undefined, returnsItem };
  if (Put) return { ...judgePut(server, Put, "inTransaction"), ...kind };
  if (Update) return { ...judgeUpdate(server, Update, "inTransaction"), ...kind };
  if (Delete) return { ...judgeDelete(server, Delete, "inTransaction"), ...kind };
  if (!ConditionCheck) return unsupported("a transaction's item without an action");
  refuseOthers("a condition check", ConditionCheck, SUPPORTED_CHECK);
  const table = server.tableOf(ConditionCheck.TableName);
  const key = table.keyOf(ConditionCheck.Key);
  return { ...judge(table, key, ConditionCheck, undefined, (before) => before), ...kind };
};

const checkActions = (actions: readonly Action[]): void => {
  if (actions.length === 0 || actions.length > MAX_ACTIONS) {
    refuse(`a transaction has 1 to ${MAX_ACTIONS} actions`);
  }
  const keys = new Set(
    actions.map(({ table, key }) => JSON.stringify([table.name, key.pk, key.sk])),
  );
  if (keys.size < actions.length) {
    refuse("transaction request cannot include multiple operations on one item");
  }
};

/** The write, or why there is none. What only the item shows to be wrong is a reason, too. */
const prepared = (action: Action): Write | CancellationReason => {
  if (!action.holds) {
    return {
      Code: "ConditionalCheckFailed",
      Message: "The conditional request failed",
      ...(action.returnsItem && action.before ? { Item: handedOut(action.before) } : {}),
    };
  }
  try {
    return action.prepare();
  } catch (error) {
    if (!(error instanceof DynamoDBServiceException)) throw error;
    return { Code: "ValidationError", Message: error.message };
  }
};

/**
 * Two units a kilobyte in the table, one in an index: AWS says nothing of indexes, and our figures
 * are those of dynoxide.
 */
const costOf = ({ table, before }: Action, write: Write | CancellationReason): TableCost => {
  const { name } = table;
  if (!("cost" in write)) {
    const bytes = before?.sizeBytes ?? 0;
    return { name, bytes, cost: { table: 2 * writeUnits(bytes), indexes: {} } };
  }
  const { table: units, indexes } = write.cost;
  const bytes = Math.max(write.before?.sizeBytes ?? 0, write.after?.sizeBytes ?? 0);
  if (bytes > MAX_BYTES) refuse("a transaction is too large");
  return { name, bytes, cost: { table: 2 * units, indexes } };
};

/** A repeat is billed as a read of the items. */
const readAgain = (server: Server, costs: readonly TableCost[]): readonly TableCost[] => {
  const reads = costs.map((each) => ({
    ...each,
    cost: { table: 2 * readUnits(each.bytes, true), indexes: {} },
  }));
  for (const { cost } of reads) server.consumed.readUnits += cost.table;
  return reads;
};

const answer = (
  { ReturnConsumedCapacity: asked }: TransactWriteItemsCommandInput,
  costs: readonly TableCost[],
) => {
  const consumed = [...new Set(costs.map(({ name }) => name))].flatMap((name) => {
    const ofTable = costs.filter((each) => each.name === name).map(({ cost }) => cost);
    const capacity = shown(asked, name, sumOf(ofTable));
    return capacity ? [capacity] : [];
  });
  return { $metadata: METADATA, ...(consumed.length > 0 ? { ConsumedCapacity: consumed } : {}) };
};

const sumOf = (costs: readonly WriteCost[]): WriteCost => {
  const indexes: Record<string, number> = {};
  for (const { indexes: some } of costs) {
    for (const [name, units] of Object.entries(some)) indexes[name] = (indexes[name] ?? 0) + units;
  }
  return { table: costs.reduce((sum, { table }) => sum + table, 0), indexes };
};

/** Forgets the tokens whose time is over. */
const knownTo = (known: KnownTokens, token: string, nowMs: number) => {
  for (const [oldest, { atMs }] of known) {
    if (nowMs - atMs < TOKEN_LIFE_MS) break;
    known.delete(oldest);
  }
  return known.get(token);
};

/** What two requests have in common that are the same. */
const printed = (items: readonly TransactWriteItem[]): string =>
  JSON.stringify(items, (_name, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  );

const mismatch = () =>
  new IdempotentParameterMismatchException({
    message: "The token was used with other parameters",
    $metadata: { httpStatusCode: 400 },
  });

const cancelled = (reasons: CancellationReason[]) => {
  const codes = reasons.map(({ Code: code }) => code).join(", ");
  return new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: reasons,
  });
};
