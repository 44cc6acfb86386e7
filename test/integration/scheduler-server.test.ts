import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { localScheduler, localSqs } from "../../lib/local/clients.ts";
import { startEmulators } from "../../lib/local/emulators.ts";
import { startScheduler } from "../../lib/local/scheduler/server.ts";
import type { Scheduler } from "../../lib/local/scheduler/server.ts";
import { eventBridgeJobSchedulerStage } from "../conformance/eventbridge-job-scheduler.ts";
import { describeJobScheduler } from "../conformance/job-scheduler.suite.ts";
import { describeScheduler } from "../conformance/scheduler.suite.ts";
import { eventually } from "../support/eventually.ts";
import { startRecordingSqs } from "../support/recording-sqs.ts";
import type { RecordingSqs } from "../support/recording-sqs.ts";
import { emulatorPids, makeDataDir, removeDataDir } from "../support/runtime-process.ts";
import { aSchedule, queueArnOf, scheduleNames } from "../support/schedules.ts";
import { testClock } from "../support/stage.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe("our Scheduler", () => {
  let folder: string;
  let server: Scheduler;
  beforeAll(async () => {
    folder = await makeDataDir();
    server = await startScheduler({ folder, sqs: localSqs("http://127.0.0.1:9") });
  });
  afterAll(async () => {
    await server.close();
    await removeDataDir(folder);
  });

  const client = () => localScheduler(server.endpoint);
  describeScheduler("our Scheduler", client);
  describeJobScheduler("our Scheduler", () => eventBridgeJobSchedulerStage(client()));

  it.each(["rate(5 minutes)", "cron(0 9 * * ? *)"])(
    "refuses %s, lest a schedule stands that never fires",
    async (ScheduleExpression) => {
      const schedule = aSchedule("recurring", 0, { GroupName: "default", ScheduleExpression });
      const call = localScheduler(server.endpoint).send(new CreateScheduleCommand(schedule));
      await expect(call).rejects.toThrow("at(...) only");
    },
  );

  it("answers in the shape of AWS's errors what is none of its calls", async () => {
    const answerTo = async (path: string, init: RequestInit) => {
      const response = await fetch(`${server.endpoint}${path}`, init);
      const { Message } = (await response.json()) as { Message: unknown };
      expect(Message).toEqual(expect.any(String));
      return [response.status, response.headers.get("x-amzn-errortype")];
    };
    const post = (body: string) => ({ method: "POST", body });
    expect(await answerTo("/schedules/a", { method: "PATCH" })).toEqual([
      404,
      "UnknownOperationException",
    ]);
    expect(await answerTo("/schedules/a/b", {})).toEqual([404, "UnknownOperationException"]);
    expect(await answerTo("/schedules/a", post("{"))).toEqual([400, "SerializationException"]);
    expect(await answerTo("/schedules/%E0%A4%A", post("{}"))).toEqual([400, "ValidationException"]);
    expect(await answerTo("/schedules/a", post("[]"))).toEqual([400, "ValidationException"]);
    const long = post(JSON.stringify("x".repeat(1_048_576)));
    expect(await answerTo("/schedules/a", long)).toEqual([400, "ValidationException"]);
  });
});

describe("a schedule's time", () => {
  let folder: string;
  let sqs: RecordingSqs;
  let clock = testClock();
  const open: Scheduler[] = [];

  beforeEach(async () => {
    clock = testClock();
    folder = await makeDataDir();
    sqs = await startRecordingSqs(() => clock.now());
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()));
    await sqs.stop();
    await removeDataDir(folder);
  });

  const start = async (): Promise<{ server: Scheduler; client: SchedulerClient }> => {
    const server = await startScheduler({ folder, sqs: localSqs(sqs.endpoint), clock });
    open.push(server);
    const client = localScheduler(server.endpoint);
    const group = new CreateScheduleGroupCommand({ Name: "pulsegate" });
    await client.send(group).catch(() => undefined);
    return { server, client };
  };
  const stop = async (server: Scheduler) => {
    open.splice(open.indexOf(server), 1);
    await server.close();
  };
  const bodies = () => sqs.sent.map(({ body }) => body);
  const untilSent = (count: number) =>
    eventually(`${count} messages`, () => (sqs.sent.length >= count ? true : undefined), 5_000);
  const gone = (client: SchedulerClient) =>
    eventually("it is gone", async () =>
      (await scheduleNames(client)).length === 0 ? true : undefined,
    );

  it("is kept to within a second after it, never before it, and then it is gone", async () => {
    const { client } = await start();
    const atMs = (Math.floor(Date.now() / 1_000) + 2) * 1_000;
    await client.send(new CreateScheduleCommand(aSchedule("s", atMs)));
    await untilSent(1);
    expect(sqs.sent).toMatchObject([{ queue: "jobs", body: "input of s", delaySeconds: 0 }]);
    expect(sqs.sent[0]?.atMs).toBeGreaterThanOrEqual(atMs);
    expect(sqs.sent[0]?.atMs).toBeLessThan(atMs + 1_000);
    await gone(client);
  });

  it("is kept at the start, if it came while nobody ran", async () => {
    const first = await start();
    for (const name of ["a", "b"]) {
      await first.client.send(new CreateScheduleCommand(aSchedule(name, clock.now() + HOUR_MS)));
    }
    const far = aSchedule("c", clock.now() + 30 * DAY_MS);
    await first.client.send(new CreateScheduleCommand(far));
    await stop(first.server);

    clock.advance(3 * DAY_MS);
    const { client } = await start();
    await untilSent(2);
    expect(bodies().toSorted()).toEqual(["input of a", "input of b"]);
    await eventually("only the far one stands", async () =>
      (await scheduleNames(client)).join() === "c" ? true : undefined,
    );
  });

  it("is kept once by a schedule that stays after it", async () => {
    const first = await start();
    const kept = aSchedule("k", clock.now() + HOUR_MS, { ActionAfterCompletion: "NONE" });
    await first.client.send(new CreateScheduleCommand(kept));
    clock.advance(2 * HOUR_MS);
    first.server.wake();
    await untilSent(1);
    await stop(first.server);
    const { client, server } = await start();
    server.wake();
    await client.send(new GetScheduleCommand({ Name: "k", GroupName: "pulsegate" }));
    expect(sqs.sent).toHaveLength(1);
  });

  it("is that of the last change; deleted and disabled schedules have none", async () => {
    const { client, server } = await start();
    for (const name of ["moved", "deleted", "disabled"]) {
      await client.send(new CreateScheduleCommand(aSchedule(name, clock.now() + HOUR_MS)));
    }
    const at = (atMs: number, more = {}) => aSchedule("moved", clock.now() + atMs, more);
    await client.send(new UpdateScheduleCommand(at(3 * HOUR_MS)));
    const disabled = { ...at(HOUR_MS), Name: "disabled", State: "DISABLED" } as const;
    await client.send(new UpdateScheduleCommand(disabled));
    await client.send(new DeleteScheduleCommand({ Name: "deleted", GroupName: "pulsegate" }));
    await client.send(new CreateScheduleCommand(aSchedule("witness", clock.now() + HOUR_MS)));
    clock.advance(2 * HOUR_MS);
    server.wake();
    await untilSent(1);
    expect(bodies()).toEqual(["input of witness"]);
    clock.advance(2 * HOUR_MS);
    server.wake();
    await untilSent(2);
    expect(bodies()).toEqual(["input of witness", "input of moved"]);
  });

  it("may be the same for many: each is sent once", async () => {
    const { client, server } = await start();
    const atMs = clock.now() + HOUR_MS;
    const names = Array.from({ length: 300 }, (_, n) => `n${n}`);
    await Promise.all(
      names.map((name) => client.send(new CreateScheduleCommand(aSchedule(name, atMs)))),
    );
    clock.advance(2 * HOUR_MS);
    server.wake();
    await gone(client);
    expect(bodies().toSorted()).toEqual(names.map((name) => `input of ${name}`).toSorted());
  });

  it("is tried again when the queue does not take the message, until it does", async () => {
    const { client } = await start();
    sqs.lose("jobs");
    const atMs = (Math.floor(Date.now() / 1_000) + 1) * 1_000;
    await client.send(new CreateScheduleCommand(aSchedule("s", atMs)));
    await eventually("it is due", () => (Date.now() > atMs + 300 ? true : undefined));
    expect(await scheduleNames(client)).toEqual(["s"]);
    sqs.find("jobs");
    await untilSent(1);
    await gone(client);
    expect(bodies()).toEqual(["input of s"]);
  });

  it("ends at the dead letters when its retry policy is used up", async () => {
    const { client } = await start();
    sqs.lose("jobs");
    const atMs = (Math.floor(Date.now() / 1_000) + 1) * 1_000;
    const schedule = aSchedule("s", atMs);
    const Target = {
      ...schedule.Target!,
      RetryPolicy: { MaximumRetryAttempts: 0 },
      DeadLetterConfig: { Arn: queueArnOf("dead") },
    };
    await client.send(new CreateScheduleCommand({ ...schedule, Target }));
    await untilSent(1);
    expect(sqs.sent).toMatchObject([{ queue: "dead", body: "input of s" }]);
    await gone(client);
  });
});

describe("a kill between the send and the end of a schedule", () => {
  it("sends twice, but never not at all", async () => {
    const dataDir = await makeDataDir();
    const sqs = await startRecordingSqs();
    const killed = Promise.withResolvers<void>();
    sqs.beforeAnswer(() => killed.promise);
    const props = { dataDir, dynamodb: false, sqs: false, scheduler: true };
    const first = await startEmulators({ ...props, sqsEndpoint: sqs.endpoint });
    const before = localScheduler(first.schedulerEndpoint ?? "");
    await before.send(new CreateScheduleGroupCommand({ Name: "pulsegate" }));
    const atMs = (Math.floor(Date.now() / 1_000) + 1) * 1_000;
    await before.send(new CreateScheduleCommand(aSchedule("s", atMs)));
    await eventually("it is sent", () => (sqs.sent.length > 0 ? true : undefined));
    for (const pid of emulatorPids(dataDir)) process.kill(pid, "SIGKILL");
    await first.died;
    killed.resolve();

    const second = await startEmulators({ ...props, sqsEndpoint: sqs.endpoint });
    await eventually("it is sent again", () => (sqs.sent.length > 1 ? true : undefined));
    const after = localScheduler(second.schedulerEndpoint ?? "");
    await eventually("it is over", async () =>
      (await scheduleNames(after)).length === 0 ? true : undefined,
    );
    expect(sqs.sent.map(({ body }) => body)).toEqual(["input of s", "input of s"]);
    await second.stop();
    await sqs.stop();
    await rm(join(dataDir), { recursive: true });
  });
});
