import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  SendMessageCommand,
  ReceiveMessageCommand,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localDynamoDb, localScheduler, localSqs } from "../../lib/local/clients.ts";
import { composeRecovery } from "../../lambdas/wiring/compose.ts";
import { resourceVariables } from "../../lib/local/provision.ts";
import { makeLocalRecovery } from "../../lib/local/recovery.ts";
import { openDataFolder } from "../../lib/local/data-folder.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import { readEndpointsFile } from "../../lib/local/endpoints-file.ts";
import { apiAt, jobTo } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";

let dataDir: string;
let receiver: Receiver;
let runtime: RuntimeProcess | undefined;

beforeEach(async () => {
  dataDir = await makeDataDir();
  receiver = await startReceiver();
});
afterEach(async () => {
  await runtime?.stop();
  runtime = undefined;
  await receiver.stop();
  await removeDataDir(dataDir);
});

const start = async (): Promise<RuntimeProcess> => {
  runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
  return runtime;
};

const IN_MS = 4_000;
const soon = { retry: { schedule_ms: [IN_MS], max_attempts: 3 } };

/** Twenty jobs that wait: half for their time, half for their second attempt. */
const twentyWaitingJobs = async (url: string): Promise<readonly string[]> => {
  const api = apiAt(url);
  receiver.answerStatuses(500, 200);
  const executeAt = new Date(Date.now() + IN_MS).toISOString();
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      api.accepted(jobTo(receiver.url, n % 2 === 0 ? { execute_at: executeAt, ...soon } : soon)),
    ),
  );
  await Promise.all(ids.map((id) => api.until(id, "scheduled")));
  return ids;
};

const expectAllEndWell = async (url: string, ids: readonly string[]) => {
  await Promise.all(ids.map((id) => apiAt(url).until(id, "success", 25_000)));
  for (const id of ids) expect(receiver.of(id)).toHaveLength(2);
};

const queuesOf = () => {
  const { endpoints, queueUrls } = readEndpointsFile(dataDir);
  return { sqs: localSqs(endpoints.sqs), urls: Object.values(queueUrls), queueUrls };
};

const countMessages = async (): Promise<number> => {
  const { sqs, urls } = queuesOf();
  const counts = await Promise.all(
    urls.map(async (QueueUrl) => {
      const { Attributes: attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
      );
      return Object.entries(attributes)
        .filter(([name]) => name.startsWith("ApproximateNumberOfMessages"))
        .reduce((sum, [, value]) => sum + Number(value), 0);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
};

/** What a start does in the background, awaited. */
const restoreLostMessages = (): Promise<number> => {
  const { endpoints, queueUrls } = readEndpointsFile(dataDir);
  const [dynamodb, sqs, scheduler] = [
    localDynamoDb(endpoints.dynamodb),
    localSqs(endpoints.sqs),
    localScheduler(endpoints.scheduler),
  ];
  const deps = composeRecovery(resourceVariables(queueUrls), {
    dynamodb: () => dynamodb,
    sqs: () => sqs,
    scheduler: () => scheduler,
  });
  return makeLocalRecovery(deps, { sqs, scheduler }, queueUrls).restoreLostMessages();
};

/** With the runtime stopped: receives one message that has come due, and deletes it. */
const takeAMessage = async () => {
  const folder = await openDataFolder(dataDir);
  const emulators = await startEmulators({ dataDir, dynamodb: false, sqs: true, scheduler: false });
  const sqs = localSqs(emulators.sqsEndpoint ?? "");
  const QueueUrl = queuesOf().queueUrls.normal;
  await eventually("a message comes due", async () => {
    const { Messages: messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    for (const { ReceiptHandle } of messages) {
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    return messages.length === 1 || undefined;
  });
  await emulators.stop();
  await folder.release();
};

describe("a start", () => {
  it("puts every job back whose queue is gone", async () => {
    const first = await start();
    const ids = await twentyWaitingJobs(first.url);
    await first.stop();
    await rm(join(dataDir, "queues"), { recursive: true });
    const second = await start();
    await expectAllEndWell(second.url, ids);
  });

  it("puts a single message back that is gone", async () => {
    const first = await start();
    const executeAt = new Date(Date.now() + 3_000).toISOString();
    const ids = await Promise.all(
      [1, 2, 3].map(() =>
        apiAt(first.url).accepted(jobTo(receiver.url, { execute_at: executeAt })),
      ),
    );
    await first.stop();
    await takeAMessage();
    const second = await start();
    await Promise.all(ids.map((id) => apiAt(second.url).until(id, "success")));
  });

  it("sends nothing anew when nothing is missing, and is not misled by parked messages", async () => {
    const { url } = await start();
    const ids = await twentyWaitingJobs(url);
    expect(await restoreLostMessages()).toBe(0);
    expect(await countMessages()).toBe(ids.length);

    const { sqs, queueUrls } = queuesOf();
    for (const MessageBody of ids) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrls.parked, MessageBody }));
    }
    await sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrls.normal }));
    expect(await restoreLostMessages()).toBe(ids.length);
    await expectAllEndWell(url, ids);
  });
});

describe("npm run recover", () => {
  const program = fileURLToPath(new URL("../../bin/recover.ts", import.meta.url));
  const recover = () =>
    spawnSync(process.execPath, [program], {
      encoding: "utf8",
      env: { ...process.env, PULSEGATE_DATA_DIR: dataDir },
    });

  it("puts twenty jobs back whose queues were purged; a second run changes nothing", async () => {
    const { url } = await start();
    const ids = await twentyWaitingJobs(url);
    const { sqs, urls } = queuesOf();
    await Promise.all(urls.map((QueueUrl) => sqs.send(new PurgeQueueCommand({ QueueUrl }))));
    for (let run = 0; run < 2; run += 1) {
      const { status, stdout, stderr } = recover();
      expect(stderr).toBe("");
      expect(stdout).toBe("20 jobs are not over; each has a message again\n");
      expect(status).toBe(0);
    }
    await expectAllEndWell(url, ids);
  });

  it("says in one line when no runtime has run there", () => {
    const { status, stderr } = recover();
    expect(status).toBe(1);
    expect(stderr).toBe(`cannot recover: no runtime has run on the data folder ${dataDir}\n`);
  });

  it("says in one line that the runtime must be running", async () => {
    await (await start()).stop();
    const { status, stdout, stderr } = recover();
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toBe(
      `cannot recover: no runtime is running on the data folder ${dataDir}: start it with npm start, and try again\n`,
    );
  });
});
