import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { describe, expect, it, vi } from "vitest";
import { emulatorsForEachTest } from "../support/emulators.ts";
import { listeningSockets } from "../support/processes.ts";
import type { Emulators } from "../../lib/local/emulators.ts";
import { findDynoxide } from "../../lib/local/find-dynoxide.ts";

/** Seconds pass here only where something does not end when asked; the rest is for slow machines. */
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
const DEADLINE = { timeout: 20_000, interval: 10 };

const { alive, inFolder, recorded, start } = emulatorsForEachTest();

describe("the data of the emulators", () => {
  it.each([
    ["a stop", (emulators: Emulators) => emulators.stop()],
    ["a SIGKILL of all of them", () => killGroup()],
  ])("survives %s", async (_, end) => {
    const before = await start();
    await clientOf(before).putItem("kept");
    await clientOf(before).sendMessage("kept");
    await end(before);
    await vi.waitFor(async () => expect(await alive()).toEqual([]), DEADLINE);

    const after = await start();
    expect(await clientOf(after).hasItem("kept")).toBe(true);
    expect((await clientOf(after).receiveMessage())?.Body).toBe("kept");
  });

  it("hands out a message again that was given back, now and after a restart", async () => {
    const before = clientOf(await start());
    await before.sendMessage("given back");
    await before.giveBack(await before.receiveMessage());
    const again = await before.receiveMessage();
    expect(again?.Attributes?.ApproximateReceiveCount).toBe("2");

    await before.giveBack(again);
    await killGroup();
    await vi.waitFor(async () => expect(await alive()).toEqual([]), DEADLINE);
    const third = await clientOf(await start()).receiveMessage();
    expect(third?.Body).toBe("given back");
    expect(third?.Attributes?.ApproximateReceiveCount).toBe("3");
  });
});

describe("the processes of the emulators", () => {
  it.runIf(process.platform === "linux")("listen on 127.0.0.1 and nowhere else", async () => {
    const { dynamodbEndpoint, sqsEndpoint, schedulerEndpoint } = await start();
    const expected = [dynamodbEndpoint, sqsEndpoint, schedulerEndpoint].map(
      (endpoint) => new URL(endpoint!).host,
    );
    const listening = await Promise.all((await recorded()).map(({ pid }) => listeningSockets(pid)));
    expect(listening.flat().toSorted()).toEqual(expected.toSorted());
  });

  it("are as many as are wanted", async () => {
    const none = await start({ dynamodb: false, sqs: false, scheduler: false });
    expect([none.dynamodbEndpoint, none.sqsEndpoint]).toEqual([undefined, undefined]);
    expect(none.schedulerEndpoint).toBeUndefined();
    expect(await recorded()).toEqual([]);

    const queues = await start({ dynamodb: false, scheduler: false });
    expect([queues.dynamodbEndpoint, queues.schedulerEndpoint]).toEqual([undefined, undefined]);
    await clientOf(queues).sendMessage("without a table");
    expect(await recorded()).toHaveLength(1);
    await queues.stop();

    const table = await start({ sqs: false, scheduler: false });
    expect(table.sqsEndpoint).toBeUndefined();
    await clientOf(table).putItem("without queues");
    expect(await recorded()).toHaveLength(2);
  });

  it("end when the process that started them is killed", async () => {
    const starter = spawn(process.execPath, ["--input-type=module", "--eval", starterProgram()], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(createInterface({ input: starter.stdout }), "line");
    expect(await alive()).toHaveLength(2);
    starter.kill("SIGKILL");
    await vi.waitFor(async () => expect(await alive()).toEqual([]), DEADLINE);
  });

  it("leave a Ctrl-C to the process that started them", async () => {
    const emulators = await start();
    const [host] = await recorded();
    process.kill(host!.pid, "SIGINT");
    await clientOf(emulators).putItem("after the signal");
    await clientOf(emulators).sendMessage("after the signal");
    expect(await alive()).toHaveLength(2);
  });

  it("end on SIGTERM", async () => {
    const { died } = await start();
    const [host] = await recorded();
    process.kill(host!.pid, "SIGTERM");
    expect(await died).toBe("the emulators ended with status 0");
    expect(await alive()).toEqual([]);
  });

  it("end together, and say why, when the table's process ends", async () => {
    const { died } = await start();
    const [, dynoxide] = await recorded();
    process.kill(dynoxide!.pid, "SIGKILL");
    expect(await died).toBe("dynoxide ended with SIGKILL");
    expect(await alive()).toEqual([]);
  });

  it("end together, and say so, when the one that hosts them is killed", async () => {
    const { died } = await start();
    const [host] = await recorded();
    process.kill(host!.pid, "SIGKILL");
    expect(await died).toBe("the emulators ended with SIGKILL");
    await vi.waitFor(async () => expect(await alive()).toEqual([]), DEADLINE);
  });

  it("do not count as dead when they were stopped, however often", async () => {
    const emulators = await start();
    await Promise.all([emulators.stop(), emulators.stop()]);
    await emulators.stop();
    expect(await alive()).toEqual([]);
    const silence = Promise.resolve("silence");
    expect(await Promise.race([emulators.died, silence])).toBe("silence");
  });

  it("are killed when they do not end by themselves", async () => {
    const dynoxideBin = await script(
      'trap "" TERM; echo "Dynoxide listening on $4" >&2; while :; do sleep 0.1; done',
    );
    const emulators = await start({ dynoxideBin });
    expect(await alive()).toHaveLength(2);
    await emulators.stop();
    expect(await alive()).toEqual([]);
  });

  it("try another port when theirs is taken in between", async () => {
    const once = inFolder("tried");
    const dynoxideBin = await script(
      `[ -e ${once} ] || { touch ${once}; echo "error: port $4 is already in use" >&2; exit 1; }; exec ${findDynoxide()} "$@"`,
    );
    const emulators = await start({ dynoxideBin });
    await clientOf(emulators).putItem("on the second port");
  });
});

async function killGroup(): Promise<void> {
  const [host] = await recorded();
  process.kill(-host!.pid, "SIGKILL");
}

async function script(body: string): Promise<string> {
  const file = inFolder("dynoxide.sh");
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

function starterProgram(): string {
  const module = new URL("../../lib/local/emulators.ts", import.meta.url).href;
  return `
    import { startEmulators } from ${JSON.stringify(module)};
    await startEmulators({ dataDir: ${JSON.stringify(inFolder())}, dynamodb: true, sqs: true, scheduler: true });
    console.log("started");
  `;
}

/** As much of both services as shows whether data is there. */
function clientOf({ dynamodbEndpoint, sqsEndpoint }: Emulators) {
  const common = {
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  };
  const dynamodb = new DynamoDBClient({ ...common, endpoint: dynamodbEndpoint! });
  const sqs = new SQSClient({ ...common, endpoint: sqsEndpoint!, useQueueUrlAsEndpoint: false });
  const TableName = "things";
  const queueUrl = async () => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "things" }));
    return QueueUrl!;
  };
  type Message = Awaited<ReturnType<typeof receiveMessage>>;

  async function putItem(pk: string): Promise<void> {
    const create = new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
    });
    await dynamodb.send(create);
    await dynamodb.send(new PutItemCommand({ TableName, Item: { pk: { S: pk } } }));
  }
  async function hasItem(pk: string): Promise<boolean> {
    const get = new GetItemCommand({ TableName, Key: { pk: { S: pk } } });
    return (await dynamodb.send(get)).Item !== undefined;
  }
  async function sendMessage(MessageBody: string): Promise<void> {
    await sqs.send(new SendMessageCommand({ QueueUrl: await queueUrl(), MessageBody }));
  }
  async function receiveMessage() {
    const receive = new ReceiveMessageCommand({
      QueueUrl: await queueUrl(),
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    });
    return (await sqs.send(receive)).Messages?.[0];
  }
  async function giveBack(message: Message): Promise<void> {
    const change = new ChangeMessageVisibilityCommand({
      QueueUrl: await queueUrl(),
      ReceiptHandle: message?.ReceiptHandle,
      VisibilityTimeout: 0,
    });
    await sqs.send(change);
  }
  return { putItem, hasItem, sendMessage, receiveMessage, giveBack };
}
