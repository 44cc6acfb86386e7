import { afterAll, beforeAll } from "vitest";
import { localScheduler, localSqs } from "../../lib/local/clients.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import type { Emulators } from "../../lib/local/emulators.ts";
import { describeJobQueue } from "../conformance/job-queue.suite.ts";
import { farJobQueueStage, sqsJobQueueStage } from "../conformance/sqs-job-queue.ts";
import { describeSqs } from "../conformance/sqs.suite.ts";
import { makeDataDir, removeDataDir } from "../support/runtime-process.ts";

let dataDir: string;
let emulators: Emulators;
beforeAll(async () => {
  dataDir = await makeDataDir();
  emulators = await startEmulators({ dataDir, dynamodb: false, sqs: true, scheduler: true });
});
afterAll(async () => {
  await emulators.stop();
  await removeDataDir(dataDir);
});

const client = () => localSqs(emulators.sqsEndpoint ?? "");
describeSqs("fauxqs", client);
describeJobQueue("fauxqs", () => sqsJobQueueStage(client()));
describeJobQueue("fauxqs and our Scheduler", () =>
  farJobQueueStage(client(), localScheduler(emulators.schedulerEndpoint ?? "")),
);
