import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** One access to the table, as IAM judges it. */
export interface TableCall {
  readonly action: string;
  /** What is read or written: a key of the table, or a whole index. */
  readonly on: { readonly partitionKey: string } | { readonly index: string };
}

type Attributes = Readonly<Record<string, AttributeValue>>;

/** The inputs of the commands that our adapters use, as far as they say what is touched. */
interface Input {
  readonly Key?: Attributes;
  readonly Item?: Attributes;
  readonly IndexName?: string;
  readonly ExpressionAttributeValues?: Attributes;
  readonly TransactItems?: readonly {
    readonly Put?: { readonly Item?: Attributes };
    readonly Update?: { readonly Key?: Attributes };
    readonly Delete?: { readonly Key?: Attributes };
  }[];
  readonly RequestItems?: Readonly<Record<string, { readonly Keys?: readonly Attributes[] }>>;
}

/** Every access that a command of a DynamoDB client makes; a transaction and a batch make several. */
export const tableCallsOf = (command: string, input: Input): readonly TableCall[] => {
  if (input.IndexName !== undefined) return [{ action: command, on: { index: input.IndexName } }];
  if (input.TransactItems) {
    return input.TransactItems.flatMap(({ Put, Update, Delete }) => [
      ...(Put ? [callOn("PutItem", Put.Item)] : []),
      ...(Update ? [callOn("UpdateItem", Update.Key)] : []),
      ...(Delete ? [callOn("DeleteItem", Delete.Key)] : []),
    ]);
  }
  if (input.RequestItems) {
    return Object.values(input.RequestItems).flatMap(({ Keys: keys = [] }) =>
      keys.map((key) => callOn(command, key)),
    );
  }
  const queried = input.ExpressionAttributeValues?.[":pk"];
  return [callOn(command, input.Key ?? input.Item ?? (queried && { pk: queried }))];
};

const callOn = (action: string, key: Attributes | undefined): TableCall => ({
  action,
  on: { partitionKey: key?.["pk"]?.S ?? "" },
});
