import { CreateScheduleGroupCommand, GetScheduleCommand } from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aJob } from "../unit/support/a-job.ts";
import { makeFarJobQueue } from "../../lambdas/adapters/scheduler/far-job-queue.ts";
import {
  fireAtMs,
  makeJobScheduler,
  scheduleName,
} from "../../lambdas/adapters/scheduler/job-scheduler.ts";
import { decodeMessage, makeSqsJobQueue } from "../../lambdas/adapters/sqs/job-queue.ts";
import type { JobQueue, JobStore } from "../../lambdas/core/ports.ts";
import { keyedJobId } from "../../lambdas/core/rules/ids.ts";
import { makeDeliverJob } from "../../lambdas/core/usecases/deliver-job.ts";
import { localScheduler, localSqs } from "../../lib/local/clients.ts";
import { startScheduler } from "../../lib/local/scheduler/server.ts";
import type { Scheduler } from "../../lib/local/scheduler/server.ts";
import { eventually } from "../support/eventually.ts";
import { startRecordingSqs } from "../support/recording-sqs.ts";
import type { RecordingSqs } from "../support/recording-sqs.ts";
import { makeDataDir, removeDataDir } from "../support/runtime-process.ts";
import { queueArnOf, scheduleNames } from "../support/schedules.ts";
import { messageOf, recordingObserver, withoutLimits, withoutSecrets } from "../support/stage.ts";

/**
 * Messages on their way through the queue, the Scheduler and the delivery worker, on one clock that
 * the test sets forward from event to event: a year takes a moment.
 */

const DAY_MS = 86_400_000;

let nowMs: number;
let folder: string;
let sqs: RecordingSqs;
let server: Scheduler;
let client: SchedulerClient;
let failures: string[];

const clock = { now: () => nowMs, sleep: () => Promise.resolve() };

beforeEach(async () => {
  nowMs = Math.floor(Date.now() / 1_000) * 1_000 + 250;
  failures = [];
  folder = await makeDataDir();
  sqs = await startRecordingSqs(clock.now);
  server = await startScheduler({ folder, sqs: localSqs(sqs.endpoint), clock });
  client = localScheduler(server.endpoint);
  await client.send(new CreateScheduleGroupCommand({ Name: "pulsegate" }));
});
afterEach(async () => {
  await server.close();
  await sqs.stop();
  await removeDataDir(folder);
});

const farQueue = (): JobQueue => {
  const url = `${sqs.endpoint}/000000000000/jobs`;
  const arn = queueArnOf("jobs");
  return makeFarJobQueue({
    near: makeSqsJobQueue(localSqs(sqs.endpoint), { high: url, normal: url, low: url }, clock),
    scheduler: makeJobScheduler(client, {
      group: "pulsegate",
      roleArn: "arn:aws:iam::000000000000:role/any",
      queueArns: { high: arn, normal: arn, low: arn },
      deadLettersArn: queueArnOf("dead"),
    }),
    clock,
    failed: (what, _, error) => failures.push(`${what}: ${(error as Error).name}`),
  });
};

/**
 * Sends a message and follows it to its claim.
 *
 * @returns when that was, and over which stations it went
 */
const journeyOf = async (jobId: string, dueAtMs: number, lateMs = 0) => {
  const stations: string[] = [];
  let claimedAtMs: number | undefined;
  const over = { kind: "refused", found: aJob({ id: jobId, state: "success" }) };
  const claim = () => {
    claimedAtMs = nowMs;
    return Promise.resolve(over);
  };
  const queue = farQueue();
  const deliver = makeDeliverJob({
    store: { claim } as unknown as JobStore,
    queue,
    clock,
    chance: { fraction: () => 0, bytes: (count) => new Uint8Array(count) },
    observer: recordingObserver(),
    attempt: () => Promise.reject(new Error("nothing is to be attempted")),
    signingSecrets: withoutSecrets,
    ...withoutLimits,
    leaseMs: 45_000,
  });

  const sentBefore = sqs.sent.length;
  await queue.send(messageOf(jobId), dueAtMs);
  for (let read = sentBefore; ; read += 1) {
    if (sqs.sent.length === read) {
      const name = scheduleName(messageOf(jobId), dueAtMs);
      expect(await scheduleNames(client)).toEqual([name]);
      const { ScheduleExpression: at = "" } = await client.send(
        new GetScheduleCommand({ Name: name, GroupName: "pulsegate" }),
      );
      nowMs = Date.parse(`${at.slice(3, -1)}Z`) + lateMs;
      server.wake();
      await eventually("it fires", () => (sqs.sent.length > read ? true : undefined));
      stations.push("schedule");
    }
    const { body, atMs, delaySeconds } = sqs.sent[read]!;
    expect(delaySeconds).toBeLessThanOrEqual(900);
    nowMs = Math.max(nowMs, atMs + delaySeconds * 1_000);
    stations.push("queue");
    await deliver({ message: decodeMessage(body), sentAtMs: atMs });
    if (claimedAtMs !== undefined) return { claimedAtMs, stations };
  }
};

/** An id whose schedule fires as early as that: `most` 14 minutes, `least` one and a half. */
const idThatFires = (how: "most" | "least"): string => {
  const ids = Array.from({ length: 5_000 }, (_, n) => keyedJobId("t1", String(n)));
  const byFiring = ids.toSorted((a, b) => fireAtMs(a, DAY_MS) - fireAtMs(b, DAY_MS));
  return byFiring.at(how === "most" ? 0 : -1)!;
};

describe("a message for a far time", () => {
  it.each([
    [899_500, ["queue"]],
    [900_000, ["queue"]],
    [900_500, ["schedule", "queue", "queue"]],
    [961_000, ["schedule", "queue", "queue"]],
    [365 * DAY_MS, ["schedule", "queue", "queue"]],
    [366 * DAY_MS - 1, ["schedule", "queue", "queue"]],
  ])("is claimed at its time, %i ms ahead, never before and within a second", async (ms, path) => {
    for (const jobId of [idThatFires("most"), idThatFires("least")]) {
      // Scheduler promises the minute: it may fire as late as that.
      for (const lateMs of [0, 59_900]) {
        const dueAtMs = nowMs + ms;
        const { claimedAtMs, stations } = await journeyOf(jobId, dueAtMs, lateMs);
        expect(claimedAtMs).toBeGreaterThanOrEqual(dueAtMs);
        expect(claimedAtMs).toBeLessThan(dueAtMs + 1_000);
        expect(stations).toEqual(path);
        expect(await scheduleNames(client)).toEqual([]);
      }
    }
    expect(failures).toEqual([]);
  });

  it.each([900_500, 961_000, 30 * DAY_MS])(
    "is on time, %i ms ahead, when 70 s pass before the schedule is asked for",
    async (ms) => {
      client.middlewareStack.add(
        (next, context) => (args) => {
          const { commandName } = context as { readonly commandName?: string };
          if (commandName === "CreateScheduleCommand") nowMs += 70_000;
          return next(args);
        },
        { step: "initialize" },
      );
      const jobId = idThatFires("most");
      const dueAtMs = nowMs + ms;
      const { claimedAtMs, stations } = await journeyOf(jobId, dueAtMs);
      expect(claimedAtMs).toBeGreaterThanOrEqual(dueAtMs);
      expect(claimedAtMs).toBeLessThan(dueAtMs + 1_000);
      // Its firing had passed: the schedule was refused, and the queue took the message.
      const isRefused = ms === 900_500;
      expect(failures).toEqual(isRefused ? ["schedule: ValidationException"] : []);
      expect(stations).toEqual(isRefused ? ["queue"] : ["schedule", "queue", "queue"]);
    },
  );

  it("goes by the queue in stretches of 15 minutes while there is no Scheduler", async () => {
    await server.close();
    const dueAtMs = nowMs + 3_600_000;
    const { claimedAtMs, stations } = await journeyOf(idThatFires("most"), dueAtMs);
    expect(claimedAtMs).toBeGreaterThanOrEqual(dueAtMs);
    expect(claimedAtMs).toBeLessThan(dueAtMs + 1_000);
    expect(stations).toEqual(["queue", "queue", "queue", "queue"]);
    expect(failures).toHaveLength(3);
    server = await startScheduler({ folder, sqs: localSqs(sqs.endpoint), clock });
  });

  it("is one schedule however often it is sent, and none once it is withdrawn", async () => {
    const message = { ...messageOf(keyedJobId("t", "k".repeat(255)), 50, 10_000) };
    const dueAtMs = nowMs + 30 * DAY_MS + 0.5;
    const queue = farQueue();
    for (let time = 0; time < 3; time += 1) await queue.send(message, dueAtMs);
    expect(await scheduleNames(client)).toEqual([scheduleName(message, dueAtMs)]);
    for (let time = 0; time < 2; time += 1) await queue.withdraw(message, dueAtMs);
    expect(await scheduleNames(client)).toEqual([]);
    expect(sqs.sent).toEqual([]);
    expect(failures).toEqual([]);
  });
});
