import {
  BatchGetItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import type {
  CreateTableCommandInput,
  KeySchemaElement,
  UpdateTimeToLiveCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { Consumed } from "./dynamodb-capacity.ts";
import { refuse, refuseOthers, unsupported } from "./dynamodb-errors.ts";
import type { Key } from "./dynamodb-index.ts";
import { batchGetItem, getItem, query, scan } from "./dynamodb-reads.ts";
import { Table } from "./dynamodb-table.ts";
import { transactWriteItems } from "./dynamodb-transactions.ts";
import type { KnownTokens } from "./dynamodb-transactions.ts";
import { commit, deleteItem, METADATA, putItem, tell, updateItem } from "./dynamodb-writes.ts";
import type { Server } from "./dynamodb-writes.ts";
import type { Item } from "./expressions-values.ts";

export interface SimulatedDynamoDbOptions {
  readonly now: () => number;
  /** For how long an index does not show a change. Drawn for each entry that changes. @default 0 */
  readonly indexLagMs?: () => number;
  /** Told of each item that a write made, changed or deleted, after all of that write was made. */
  readonly onWrite?: (key: Key, before: Item | undefined, after: Item | undefined) => void;
}

/** A command of the SDK, as far as its type tells what it is answered with. */
interface Sent<Output> {
  readonly input: object;
  resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: Output }>;
}

const CREATE_TABLE = new Set([
  "TableName",
  "BillingMode",
  "AttributeDefinitions",
  "KeySchema",
  "GlobalSecondaryIndexes",
]);

/**
 * DynamoDB in memory, as far as PulseGate leans on it: one call at a time, on a clock that is handed
 * in. What it does not know it refuses loudly, rather than guess. Items that it hands out are
 * frozen.
 */
export class SimulatedDynamoDb {
  /** What all calls so far took, by the units that would be billed. */
  readonly consumed: Consumed = { readUnits: 0, writeUnits: 0 };
  readonly #tables = new Map<string, Table>();
  readonly #tokens: KnownTokens = new Map();
  readonly #server: Server;

  constructor({ now, indexLagMs = () => 0, onWrite }: SimulatedDynamoDbOptions) {
    const tableOf = (name: string | undefined) => this.#tableOf(name);
    this.#server = { now, lagMs: indexLagMs, onWrite, consumed: this.consumed, tableOf };
  }

  /**
   * Carries out a command of the SDK.
   *
   * @throws the SDK's exceptions, and an `Error` for what it does not support
   */
  apply<Output>(command: Sent<Output>): Output;
  apply(command: object): object;
  apply(command: object): object {
    return this.#answer(command);
  }

  /** The same as a client, for code that awaits its answers. */
  client(): DynamoDBClient {
    const send = async (command: object) => this.apply(command);
    // Paginators ask whether it is an instance, and call nothing but `send`.
    return Object.assign(Object.create(DynamoDBClient.prototype) as DynamoDBClient, { send });
  }

  /**
   * Deletes what is expired, free of charge. The server does so within a few days: when, is for the
   * caller to say.
   *
   * @returns how many items it deleted
   */
  deleteExpired(): number {
    const nowSeconds = this.#server.now() / 1_000;
    let deleted = 0;
    for (const table of this.#tables.values()) {
      const { ttlAttribute } = table;
      if (ttlAttribute === undefined) continue;
      for (const row of table.partitions().flatMap((pk) => table.rows(pk))) {
        const expiresAtSeconds = row.stored?.item[ttlAttribute]?.N;
        if (expiresAtSeconds === undefined || Number(expiresAtSeconds) > nowSeconds) continue;
        const write = table.prepare({ pk: row.pk, sk: row.sk }, row.stored, undefined);
        commit(this.#server, table, write);
        tell(this.#server, write);
        deleted += 1;
      }
    }
    return deleted;
  }

  #answer(command: object): object {
    const server = this.#server;
    if (command instanceof UpdateItemCommand) return updateItem(server, command.input);
    if (command instanceof GetItemCommand) return getItem(server, command.input);
    if (command instanceof PutItemCommand) return putItem(server, command.input);
    if (command instanceof DeleteItemCommand) return deleteItem(server, command.input);
    if (command instanceof QueryCommand) return query(server, command.input);
    if (command instanceof BatchGetItemCommand) return batchGetItem(server, command.input);
    if (command instanceof TransactWriteItemsCommand) {
      return transactWriteItems(server, this.#tokens, command.input);
    }
    if (command instanceof ScanCommand) return scan(server, command.input);
    if (command instanceof CreateTableCommand) return this.#createTable(command.input);
    if (command instanceof DescribeTableCommand) {
      return { $metadata: METADATA, Table: describe(this.#tableOf(command.input.TableName)) };
    }
    if (command instanceof DeleteTableCommand) {
      const table = this.#tableOf(command.input.TableName);
      this.#tables.delete(table.name);
      return { $metadata: METADATA, TableDescription: describe(table) };
    }
    if (command instanceof UpdateTimeToLiveCommand) return this.#updateTtl(command.input);
    return unsupported(command.constructor.name);
  }

  #tableOf(name: string | undefined): Table {
    const table = this.#tables.get(name ?? "");
    if (table) return table;
    throw new ResourceNotFoundException({
      message: `Requested resource not found: Table: ${name} not found`,
      $metadata: { httpStatusCode: 400 },
    });
  }

  #createTable(input: CreateTableCommandInput) {
    refuseOthers("a table", input, CREATE_TABLE);
    const name = input.TableName ?? refuse("a table needs a name");
    if (this.#tables.has(name)) {
      throw new ResourceInUseException({
        message: `Table already exists: ${name}`,
        $metadata: { httpStatusCode: 400 },
      });
    }
    const other = input.AttributeDefinitions?.find(({ AttributeType: type }) => type !== "S");
    if (other) unsupported(`a key of type ${other.AttributeType}`);
    const indexes = (input.GlobalSecondaryIndexes ?? []).map((index) => {
      const { ProjectionType: projection } = index.Projection ?? {};
      if (projection !== "KEYS_ONLY") unsupported(`an index with the projection ${projection}`);
      return { name: index.IndexName ?? "", key: keyOf(index.KeySchema) };
    });
    const table = new Table(name, keyOf(input.KeySchema), indexes);
    this.#tables.set(name, table);
    return { $metadata: METADATA, TableDescription: describe(table) };
  }

  /** For `deleteExpired`: nothing is deleted by itself. */
  #updateTtl({ TableName, TimeToLiveSpecification }: UpdateTimeToLiveCommandInput) {
    const table = this.#tableOf(TableName);
    const { AttributeName: attribute, Enabled: isEnabled } = TimeToLiveSpecification ?? {};
    table.ttlAttribute = isEnabled === true ? attribute : undefined;
    return { $metadata: METADATA, TimeToLiveSpecification };
  }
}

const keyOf = (schema: readonly KeySchemaElement[] | undefined): Key => {
  const named = (type: string) => schema?.find(({ KeyType }) => KeyType === type)?.AttributeName;
  const [pk, sk] = [named("HASH"), named("RANGE")];
  if (pk === undefined || sk === undefined) return unsupported("a key of one attribute");
  return { pk, sk };
};

const describe = (table: Table) => ({
  TableName: table.name,
  TableStatus: "ACTIVE",
  KeySchema: schemaOf(table.key),
  GlobalSecondaryIndexes: table.indexes.map(({ schema }) => ({
    IndexName: schema.name,
    IndexStatus: "ACTIVE",
    KeySchema: schemaOf(schema.key),
    Projection: { ProjectionType: "KEYS_ONLY" },
  })),
});

const schemaOf = ({ pk, sk }: Key) => [
  { AttributeName: pk, KeyType: "HASH" },
  { AttributeName: sk, KeyType: "RANGE" },
];
