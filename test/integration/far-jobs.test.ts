import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DeleteScheduleCommand, GetScheduleCommand } from "@aws-sdk/client-scheduler";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fireAtMs, scheduleName } from "../../lambdas/adapters/scheduler/job-scheduler.ts";
import { decodeMessage } from "../../lambdas/adapters/sqs/job-queue.ts";
import { destinationKeyOf } from "../../lambdas/core/rules/rate-limit.ts";
import { localScheduler, localSqs } from "../../lib/local/clients.ts";
import { readEndpointsFile } from "../../lib/local/endpoints-file.ts";
import { apiAt, jobTo } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import {
  emulatorPids,
  makeDataDir,
  removeDataDir,
  startRuntimeProcess,
} from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";
import { scheduleNames } from "../support/schedules.ts";
import { messageOf } from "../support/stage.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let dataDir: string;
let receiver: Receiver;
let runtime: RuntimeProcess;

beforeEach(async () => {
  [dataDir, receiver] = await Promise.all([makeDataDir(), startReceiver()]);
  await start();
});
afterEach(async () => {
  await runtime.stop();
  await receiver.stop();
  await removeDataDir(dataDir);
});

const start = async () => {
  runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
};
const api = () => apiAt(runtime.url);
const scheduler = () => localScheduler(readEndpointsFile(dataDir).endpoints.scheduler);
const names = () => scheduleNames(scheduler());
const untilNames = (expected: readonly string[]) =>
  eventually(`the schedules are ${expected.join()}`, async () =>
    (await names()).join() === expected.toSorted().join() ? true : undefined,
  );

const messagesInQueues = async (): Promise<number> => {
  const { endpoints, queueUrls } = readEndpointsFile(dataDir);
  const sqs = localSqs(endpoints.sqs);
  const counts = await Promise.all(
    Object.values(queueUrls).map(async (QueueUrl) => {
      const { Attributes: attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
      );
      return Object.entries(attributes)
        .filter(([name]) => name.startsWith("ApproximateNumberOfMessages"))
        .reduce((sum, [, count]) => sum + Number(count), 0);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
};

/** Posts a job for so long ahead. */
const postFor = async (
  aheadMs: number,
  more: object = {},
  headers: Record<string, string> = {},
) => {
  const dueAtMs = Date.now() + aheadMs;
  const job = jobTo(receiver.url, { execute_at: new Date(dueAtMs).toISOString(), ...more });
  const id = await api().accepted(job, headers);
  return { id, dueAtMs, name: scheduleName(messageOf(id), dueAtMs) };
};

describe("a job for a far time", () => {
  it("is one schedule by its computed name, and no message; a restart keeps both", async () => {
    const { id, dueAtMs, name } = await postFor(20 * MINUTE_MS);
    const lookAtIt = async () => {
      expect(await api().job(id)).toMatchObject({
        status: "scheduled",
        execute_at: new Date(dueAtMs).toISOString(),
      });
      expect(await names()).toEqual([name]);
      expect(await messagesInQueues()).toBe(0);
    };
    await lookAtIt();
    const schedule = await scheduler().send(
      new GetScheduleCommand({ Name: name, GroupName: "pulsegate" }),
    );
    const firesAt = new Date(fireAtMs(id, dueAtMs)).toISOString().slice(0, 19);
    expect(schedule).toMatchObject({
      ScheduleExpression: `at(${firesAt})`,
      ActionAfterCompletion: "DELETE",
    });
    expect(decodeMessage(schedule.Target?.Input ?? "")).toEqual({
      ...messageOf(id),
      destinationKey: destinationKeyOf("t1", receiver.url),
      notBeforeMs: dueAtMs,
    });

    await runtime.stop();
    await start();
    await lookAtIt();
    await runtime.killAll();
    await start();
    await lookAtIt();
    expect(receiver.requests).toEqual([]);
  });

  it("has a name that fits, whatever its keys; its cancel finds it by the same name", async () => {
    const tenant = "a.b-c_".repeat(11).slice(0, 64);
    const headers = { "idempotency-key": "~ #/:".repeat(51) };
    const { id, name } = await postFor(30 * DAY_MS, { tenant_id: tenant }, headers);
    expect(await names()).toEqual([name]);
    const cancel = await fetch(`${runtime.url}/v1/jobs/${id}/cancel`, { method: "POST" });
    expect(cancel.status).toBe(200);
    expect(await names()).toEqual([]);
  });

  it("waits as a schedule for an attempt that is far ahead, too", async () => {
    receiver.answerStatuses(500);
    const id = await api().accepted(
      jobTo(receiver.url, { retry: { schedule_ms: [DAY_MS], max_attempts: 2 } }),
    );
    const job = await api().until(id, "scheduled");
    const dueAtMs = Date.parse(job.next_attempt_at ?? "");
    expect(dueAtMs).toBeGreaterThan(Date.now() + DAY_MS / 2 - MINUTE_MS);
    const [name = ""] = await names();
    const { Target: target } = await scheduler().send(
      new GetScheduleCommand({ Name: name, GroupName: "pulsegate" }),
    );
    const message = decodeMessage(target?.Input ?? "");
    expect(message).toMatchObject({ jobId: id, attempt: 2 });
    // Shown to the millisecond, kept as it was drawn.
    expect(Math.abs((message.notBeforeMs ?? 0) - dueAtMs)).toBeLessThanOrEqual(1);
    expect(name).toBe(scheduleName(message, message.notBeforeMs ?? 0));

    await fetch(`${runtime.url}/v1/jobs/${id}/cancel`, { method: "POST" });
    expect(await names()).toEqual([]);
  });

  it.runIf(process.platform === "linux")(
    "costs nothing while it waits, for 25, 60 or 366 days, over a restart",
    async () => {
      const jobs = await Promise.all(
        [25 * DAY_MS, 60 * DAY_MS, 366 * DAY_MS - MINUTE_MS].map((ms) => postFor(ms)),
      );
      for (let life = 0; life < 2; life += 1) {
        await sleep(1_000); // what comes after a start is not what is measured
        const usedMs = await cpuUsedIn(3_000);
        expect(usedMs).toBeLessThan(1_000);
        for (const { id } of jobs) expect((await api().job(id)).status).toBe("scheduled");
        expect(await names()).toEqual(jobs.map(({ name }) => name).toSorted());
        expect(receiver.requests).toEqual([]);
        await runtime.stop();
        await start();
      }
    },
  );
});

describe("schedules that are lost", () => {
  const threeJobs = async () => {
    const jobs = await Promise.all([1, 2, 3].map((days) => postFor(days * DAY_MS)));
    return jobs.map(({ name }) => name);
  };

  it("are made again at the next start", async () => {
    const expected = await threeJobs();
    await runtime.stop();
    await rm(join(dataDir, "schedules"), { recursive: true });
    await start();
    await untilNames(expected);
    expect(await messagesInQueues()).toBe(0);
  });

  it("are made again by npm run recover; a second run changes nothing", async () => {
    const expected = await threeJobs();
    await scheduler().send(
      new DeleteScheduleCommand({ Name: expected[1], GroupName: "pulsegate" }),
    );
    const program = fileURLToPath(new URL("../../bin/recover.ts", import.meta.url));
    for (let run = 0; run < 2; run += 1) {
      const { stdout, stderr } = spawnSync(process.execPath, [program], {
        encoding: "utf8",
        env: { ...process.env, PULSEGATE_DATA_DIR: dataDir },
      });
      expect(stderr).toBe("");
      expect(stdout).toBe("3 jobs are not over; each has a message again\n");
      expect(await names()).toEqual(expected.toSorted());
    }
    expect(await messagesInQueues()).toBe(0);
  });
});

/** Milliseconds of processor time that the runtime and its emulators use meanwhile. */
async function cpuUsedIn(ms: number): Promise<number> {
  const pids = [runtime.pid, ...emulatorPids(dataDir)];
  const used = () =>
    pids.reduce((sum, pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return sum + (Number(fields[11]) + Number(fields[12])) * 10; // in ticks of 10 ms
    }, 0);
  const before = used();
  await sleep(ms);
  return used() - before;
}
