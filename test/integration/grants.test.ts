import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  DeleteScheduleGroupCommand,
  GetScheduleCommand,
  GetScheduleGroupCommand,
  ListScheduleGroupsCommand,
  ListSchedulesCommand,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { grantedClients, localDynamoDb, localSqs } from "../../lib/local/clients.ts";
import type { Endpoints } from "../../lib/local/clients.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import type { Emulators } from "../../lib/local/emulators.ts";
import { provisionQueues, provisionTable, TABLE_NAME } from "../../lib/local/provision.ts";
import { functions, queues } from "../../lib/topology.ts";
import type { FunctionName, FunctionTopology, Grants, QueueName } from "../../lib/topology.ts";

let dataDir: string;
let emulators: Emulators;
let endpoints: Endpoints;
let queueUrls: Readonly<Record<QueueName, string>>;
/** Ours, which is not asked for grants. */
let sqs: SQSClient;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "pulsegate-grants-"));
  emulators = await startEmulators({ dataDir, dynamodb: true, sqs: true, scheduler: true });
  endpoints = {
    dynamodb: emulators.dynamodbEndpoint ?? "",
    sqs: emulators.sqsEndpoint ?? "",
    scheduler: emulators.schedulerEndpoint ?? "",
  };
  sqs = localSqs(endpoints.sqs);
  await provisionTable(localDynamoDb(endpoints.dynamodb));
  queueUrls = await provisionQueues(sqs);
});
afterAll(async () => {
  await emulators.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const clientsOf = (name: FunctionName) => {
  const clients = grantedClients(endpoints, functions[name], queueUrls);
  return { dynamodb: clients.dynamodb(), sqs: clients.sqs(), scheduler: clients.scheduler() };
};

/** The grants of a function, each as an attempt that either gets an answer or is denied. */
const outcomeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "granted",
    // An answer of the service is a grant too: the call got through.
    (error: Error) => (error.name === "AccessDeniedException" ? "denied" : "granted"),
  );

const TableName = TABLE_NAME;
const key = (pk: string) => ({ pk: { S: pk }, sk: { S: "JOB" } });

const onTable: Readonly<Record<string, (client: DynamoDBClient, pk: string) => Promise<unknown>>> =
  {
    GetItem: (client, pk) => client.send(new GetItemCommand({ TableName, Key: key(pk) })),
    PutItem: (client, pk) => client.send(new PutItemCommand({ TableName, Item: key(pk) })),
    UpdateItem: (client, pk) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key(pk),
          UpdateExpression: "SET a = :a",
          ExpressionAttributeValues: { ":a": { S: "JOB#" }, ":b": { S: "x" } },
          ConditionExpression: "attribute_not_exists(b) OR b = :b",
        }),
      ),
    DeleteItem: (client, pk) => client.send(new DeleteItemCommand({ TableName, Key: key(pk) })),
    Query: (client, pk) =>
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: pk } },
        }),
      ),
  };

const onQueue: Readonly<Record<string, (client: SQSClient, url: string) => Promise<unknown>>> = {
  SendMessage: (client, QueueUrl) =>
    client.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" })),
  SendMessageBatch: (client, QueueUrl) =>
    client.send(
      new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "0", MessageBody: "x" }] }),
    ),
  ChangeMessageVisibility: (client, QueueUrl) =>
    client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: "x", VisibilityTimeout: 0 }),
    ),
  GetQueueAttributes: (client, QueueUrl) =>
    client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] })),
  ReceiveMessage: (client, QueueUrl) => client.send(new ReceiveMessageCommand({ QueueUrl })),
  DeleteMessage: (client, QueueUrl) =>
    client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "x" })),
  PurgeQueue: (client, QueueUrl) => client.send(new PurgeQueueCommand({ QueueUrl })),
};

const granted = (isGranted: boolean | undefined) => (isGranted ? "granted" : "denied");

const isOnTable = ({ table }: Grants, action: string, pk: string): boolean =>
  table?.keys.some(
    ({ actions, keyPrefixes }) =>
      actions.some((other) => other === action) && keyPrefixes.some((one) => pk.startsWith(one)),
  ) === true;

/** Which grant of the topology opens which command; the others are opened by none. */
const grantOf = {
  SendMessage: "sendTo",
  SendMessageBatch: "sendTo",
  ChangeMessageVisibility: "consume",
  GetQueueAttributes: "inspect",
} as const;

const functionNames = Object.keys(functions) as FunctionName[];
const prefixes = [
  "JOB#",
  "READY#",
  "DEDUPE#",
  "SIGNING#",
  "BUCKET#",
  "HOLD#",
  "OTHER#",
  "job#",
  "XJOB#",
  "",
];

describe.each(functionNames)("the function %s", (name) => {
  const { grants }: FunctionTopology = functions[name];

  it("may do with the table what the topology grants it, and nothing else", async () => {
    const { dynamodb } = clientsOf(name);
    for (const [command, call] of Object.entries(onTable)) {
      for (const prefix of prefixes) {
        const pk = `${prefix}job_1`;
        const expected = granted(isOnTable(grants, command, pk));
        const outcome = await outcomeOf(call(dynamodb, pk));
        expect([command, prefix, outcome]).toEqual([command, prefix, expected]);
      }
    }
  });

  it("may do with the queues what the topology grants it, and nothing else", async () => {
    const { sqs } = clientsOf(name);
    for (const [command, call] of Object.entries(onQueue)) {
      for (const queue of Object.keys(queues) as QueueName[]) {
        const grant = Object.entries(grantOf).find(([granted]) => granted === command)?.[1];
        const expected = granted(grant && grants[grant]?.some((other) => other === queue));
        const outcome = await outcomeOf(call(sqs, queueUrls[queue]));
        expect([command, queue, outcome]).toEqual([command, queue, expected]);
      }
    }
  });

  it("may do with schedules what the topology grants it, and nothing else", async () => {
    const { scheduler } = clientsOf(name);
    const schedule = {
      Name: "s",
      GroupName: "g",
      ScheduleExpression: "at(2999-01-01T00:00:00)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: "arn:queue", RoleArn: "arn:role", Input: "x" },
    } as const;
    const { schedule: mayChange = false, inspectSchedules: mayInspect = false } = grants;
    const outcomes = {
      create: await outcomeOf(scheduler.send(new CreateScheduleCommand(schedule))),
      delete: await outcomeOf(scheduler.send(new DeleteScheduleCommand(schedule))),
      update: await outcomeOf(scheduler.send(new UpdateScheduleCommand(schedule))),
      get: await outcomeOf(scheduler.send(new GetScheduleCommand(schedule))),
      list: await outcomeOf(scheduler.send(new ListSchedulesCommand({}))),
      createGroup: await outcomeOf(scheduler.send(new CreateScheduleGroupCommand({ Name: "g" }))),
      deleteGroup: await outcomeOf(scheduler.send(new DeleteScheduleGroupCommand({ Name: "g" }))),
      getGroup: await outcomeOf(scheduler.send(new GetScheduleGroupCommand({ Name: "g" }))),
      listGroups: await outcomeOf(scheduler.send(new ListScheduleGroupsCommand({}))),
    };
    expect(outcomes).toEqual({
      create: granted(mayChange),
      delete: granted(mayChange),
      update: "denied",
      get: "denied",
      list: "denied",
      createGroup: "denied",
      deleteGroup: "denied",
      getGroup: granted(mayInspect),
      listGroups: "denied",
    });
  });

  it("may do with many keys in one call what it may do with each of them", async () => {
    const { dynamodb } = clientsOf(name);
    const mayPut = (pk: string) => isOnTable(grants, "PutItem", pk);
    for (const prefix of prefixes) {
      const keys = ["JOB#1", `${prefix}2`];
      const get = new BatchGetItemCommand({
        RequestItems: { [TableName]: { Keys: keys.map(key) } },
      });
      const mayGet = keys.every((pk) => isOnTable(grants, "BatchGetItem", pk));
      expect([prefix, await outcomeOf(dynamodb.send(get))]).toEqual([prefix, granted(mayGet)]);

      const write = new TransactWriteItemsCommand({
        TransactItems: keys.map((pk) => ({ Put: { TableName, Item: key(pk) } })),
      });
      const outcome = await outcomeOf(dynamodb.send(write));
      if (!keys.every(mayPut)) expect([prefix, outcome]).toEqual([prefix, "denied"]);
    }
  });

  it("may do nothing that no topology grants, or with no queue of ours", async () => {
    const clients = clientsOf(name);
    const { QueueUrl: other } = await sqs.send(new CreateQueueCommand({ QueueName: "other" }));
    const calls = [
      clients.dynamodb.send(new ScanCommand({ TableName })),
      clients.dynamodb.send(new DescribeTableCommand({ TableName })),
      clients.dynamodb.send(new ListTablesCommand({})),
      clients.dynamodb.send(
        new BatchWriteItemCommand({
          RequestItems: { [TableName]: [{ PutRequest: { Item: key("JOB#1") } }] },
        }),
      ),
      clients.dynamodb.send(
        new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName, Key: key("JOB#1") } }] }),
      ),
      clients.dynamodb.send(
        new ExecuteStatementCommand({ Statement: `SELECT * FROM ${TableName}` }),
      ),
      clients.sqs.send(new SendMessageCommand({ QueueUrl: other, MessageBody: "x" })),
      clients.sqs.send(new CreateQueueCommand({ QueueName: "made" })),
      clients.sqs.send(new ListQueuesCommand({})),
    ];
    expect(await Promise.all(calls.map(outcomeOf))).toEqual(calls.map(() => "denied"));
  });
});

describe("a denial", () => {
  it("says what the topology lacks, and nothing reaches the service", async () => {
    const { dynamodb, sqs } = clientsOf("read-jobs");
    await expect(onTable["PutItem"]?.(dynamodb, "OTHER#denied")).rejects.toThrow(
      "the topology does not grant PutItem on the key OTHER#denied to this function",
    );
    await expect(onQueue["SendMessage"]?.(sqs, queueUrls.high)).rejects.toThrow(
      "the topology does not grant SendMessage on the queue high to this function",
    );
    const { Item: item } = await localDynamoDb(endpoints.dynamodb).send(
      new GetItemCommand({ TableName, Key: key("OTHER#denied") }),
    );
    expect(item).toBeUndefined();
  });
});
