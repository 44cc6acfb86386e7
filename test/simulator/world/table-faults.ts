import {
  BatchGetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactionConflictException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { AttributeValue, TransactWriteItemsCommandInput } from "@aws-sdk/client-dynamodb";
import type { World } from "./world.ts";

/** Carries a command out as a table does that others use, too: refused for them, or in part. */
export const applyToTable = ({ table, faults }: World, place: string, command: object): object => {
  if (command instanceof BatchGetItemCommand && faults.hits("keys_unprocessed", place)) {
    return readInPart(table.apply.bind(table), command);
  }
  if (isOnJob(command) && faults.hits("transaction_conflict", place)) {
    throw command instanceof TransactWriteItemsCommand
      ? cancelledFor("TransactionConflict", command.input)
      : new TransactionConflictException({
          message: "Transaction is ongoing for the item",
          $metadata: { httpStatusCode: 400 },
        });
  }
  return table.apply(command);
};

/** A cancelled transaction whose reason says nothing of its conditions. */
export const cancelledFor = (
  code: "TransactionConflict" | "ThrottlingError",
  { TransactItems: items = [] }: TransactWriteItemsCommandInput,
): TransactionCanceledException =>
  new TransactionCanceledException({
    message: "Transaction cancelled",
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: items.map((_, index) => ({ Code: index === 0 ? code : "None" })),
  });

/** Only jobs, and what goes with them in one transaction, meet transactions of others. */
const isOnJob = (command: object): boolean => {
  if (command instanceof TransactWriteItemsCommand) return true;
  if (command instanceof PutItemCommand) return isJob(command.input.Item);
  return command instanceof UpdateItemCommand && isJob(command.input.Key);
};

const isJob = (attributes: Record<string, AttributeValue> | undefined): boolean =>
  attributes?.["sk"]?.S === "JOB";

/** At least one key is read: of none the server would rather say that it is throttled. */
const readInPart = (
  apply: World["table"]["apply"],
  { input: { RequestItems: requested = {} } }: BatchGetItemCommand,
): object => {
  const [[name, request] = []] = Object.entries(requested);
  const keys = request?.Keys ?? [];
  const taken = Math.ceil(keys.length / 2);
  if (name === undefined || taken === keys.length) {
    return apply(new BatchGetItemCommand({ RequestItems: requested }));
  }
  const read = (some: typeof keys) => ({ [name]: { ...request, Keys: some } });
  return {
    ...apply(new BatchGetItemCommand({ RequestItems: read(keys.slice(0, taken)) })),
    UnprocessedKeys: read(keys.slice(taken)),
  };
};
