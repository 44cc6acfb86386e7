import {
  CreateTableCommand,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { CreateTableCommandInput, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ConflictException, CreateScheduleGroupCommand } from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateQueueCommand, GetQueueUrlCommand, QueueDoesNotExist } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { queues, schedules, table } from "../topology.ts";
import type { QueueName } from "../topology.ts";

export const TABLE_NAME = "pulsegate";
export const SCHEDULE_GROUP = "pulsegate";
/** Nobody assumes it here, but a schedule has to name one. */
const SCHEDULE_ROLE_ARN = "arn:aws:iam::000000000000:role/pulsegate-schedules";

/** The topology's table, as `CreateTable` wants it. */
export const tableDefinition = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [
    ...new Set<string>([
      table.partitionKey,
      table.sortKey,
      ...table.indexes.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]),
    ]),
  ].map((name) => ({ AttributeName: name, AttributeType: "S" })),
  KeySchema: keySchema(table),
  GlobalSecondaryIndexes: table.indexes.map((index) => ({
    IndexName: index.name,
    KeySchema: keySchema(index),
    Projection: { ProjectionType: "KEYS_ONLY" },
  })),
} satisfies Omit<CreateTableCommandInput, "TableName">;

/** Creates the table if it is not there yet. */
export const provisionTable = async (client: DynamoDBClient): Promise<void> => {
  try {
    await client.send(new CreateTableCommand({ TableName: TABLE_NAME, ...tableDefinition }));
  } catch (error) {
    if (error instanceof ResourceInUseException) return;
    throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 0.1 }, { TableName: TABLE_NAME });
  await client.send(
    new UpdateTimeToLiveCommand({
      TableName: TABLE_NAME,
      TimeToLiveSpecification: { AttributeName: table.ttlAttribute, Enabled: true },
    }),
  );
};

function keySchema({ partitionKey, sortKey }: { partitionKey: string; sortKey: string }) {
  return [
    { AttributeName: partitionKey, KeyType: "HASH" as const },
    { AttributeName: sortKey, KeyType: "RANGE" as const },
  ];
}

/** Creates the queues that are not there yet, and returns the URL of each. */
export const provisionQueues = async (client: SQSClient): Promise<Record<QueueName, string>> => {
  const urls: Partial<Record<QueueName, string>> = {};
  const create = async (name: QueueName): Promise<string> => {
    const { redrive } = queues[name];
    if (redrive && urls[redrive.to] === undefined) urls[redrive.to] = await create(redrive.to);
    return (await findQueue(client, name)) ?? createQueue(client, name);
  };
  for (const name of Object.keys(queues) as QueueName[]) urls[name] ??= await create(name);
  return urls as Record<QueueName, string>;
};

const findQueue = async (client: SQSClient, name: QueueName): Promise<string | undefined> => {
  try {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueName(name) }));
    return QueueUrl;
  } catch (error) {
    if (error instanceof QueueDoesNotExist) return undefined;
    throw error;
  }
};

const createQueue = async (client: SQSClient, name: QueueName): Promise<string> => {
  const { visibilitySeconds, retentionSeconds, redrive } = queues[name];
  const { QueueUrl = "" } = await client.send(
    new CreateQueueCommand({
      QueueName: queueName(name),
      Attributes: {
        VisibilityTimeout: String(visibilitySeconds),
        MessageRetentionPeriod: String(retentionSeconds),
        ...(redrive
          ? {
              RedrivePolicy: JSON.stringify({
                deadLetterTargetArn: queueArn(redrive.to),
                maxReceiveCount: redrive.maxReceives,
              }),
            }
          : {}),
      },
    }),
  );
  return QueueUrl;
};

const queueName = (name: QueueName): string =>
  `pulsegate-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export const queueArn = (name: QueueName): string =>
  `arn:aws:sqs:us-east-1:000000000000:${queueName(name)}`;

/** Creates the group of schedules if it is not there yet. */
export const provisionSchedules = async (client: SchedulerClient): Promise<void> => {
  try {
    await client.send(new CreateScheduleGroupCommand({ Name: SCHEDULE_GROUP }));
  } catch (error) {
    if (!(error instanceof ConflictException)) throw error;
  }
};

/** The variables that name what was made here, with their values. */
export const resourceVariables = (
  queueUrls: Readonly<Record<QueueName, string>>,
): Record<string, string> => ({
  [table.nameVariable]: TABLE_NAME,
  [schedules.groupVariable]: SCHEDULE_GROUP,
  [schedules.roleVariable]: SCHEDULE_ROLE_ARN,
  ...Object.fromEntries(
    (Object.keys(queues) as QueueName[]).flatMap((name) => [
      [queues[name].urlVariable, queueUrls[name]],
      [queues[name].arnVariable, queueArn(name)],
    ]),
  ),
});
