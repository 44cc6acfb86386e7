import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startFiring } from "../../../../../lib/local/scheduler/firing.ts";
import type { Firing } from "../../../../../lib/local/scheduler/firing.ts";
import { openScheduleStore } from "../../../../../lib/local/scheduler/store.ts";
import type { ScheduleStore, StoredSchedule } from "../../../../../lib/local/scheduler/store.ts";
import { NOW_MS } from "../../../support/a-job.ts";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

let folder: string;
let store: ScheduleStore;
let firing: Firing;
/** By how much the clock is ahead of the time that timers know. */
let aheadMs: number;
let sent: { queue: string; atMs: number }[];
let send: (queueArn: string) => Promise<void>;
let timers: number[];

const now = () => Date.now() + aheadMs;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS, toFake: ["setTimeout", "clearTimeout", "Date"] });
  const setTimer = setTimeout;
  timers = [];
  vi.stubGlobal("setTimeout", (run: () => void, ms: number) => {
    timers.push(ms);
    return setTimer(run, ms);
  });
  folder = mkdtempSync(join(tmpdir(), "pulsegate-firing-"));
  store = openScheduleStore(folder);
  aheadMs = 0;
  sent = [];
  send = (queue) => {
    sent.push({ queue, atMs: now() - NOW_MS });
    return Promise.resolve();
  };
  firing = startFiring({ store, clock: { now }, send: (queueArn) => send(queueArn) });
});
afterEach(async () => {
  await firing.stop();
  store.close();
  rmSync(folder, { recursive: true });
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const schedule = (
  dueInMs: number,
  target: Partial<StoredSchedule["definition"]["Target"]> = {},
) => {
  store.put({
    group: "g",
    name: "s",
    definition: {
      ScheduleExpression: "at(...)",
      ScheduleExpressionTimezone: "UTC",
      State: "ENABLED",
      ActionAfterCompletion: "DELETE",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: "jobs",
        RoleArn: "role",
        Input: "body",
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
        ...target,
      },
    },
    clientToken: undefined,
    createdAtMs: NOW_MS,
    modifiedAtMs: NOW_MS,
    dueAtMs: now() + dueInMs,
    tries: 0,
    firstTriedAtMs: null,
  });
  firing.wake();
};

describe("the wait for a schedule's time", () => {
  it.each([25, 60, 366])("of %i days ends then, in timers that do not overflow", async (days) => {
    schedule(days * DAY_MS);
    await vi.advanceTimersByTimeAsync(3_600_000);
    // It looks at the clock now and then, and does not spin.
    expect(timers.length).toBeLessThan(60 * 4);
    aheadMs = (days - 1) * DAY_MS;
    await vi.advanceTimersByTimeAsync(DAY_MS - 3_600_000 - 1);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toEqual([{ queue: "jobs", atMs: days * DAY_MS }]);
    expect(store.find("g", "s")).toBeUndefined();
    expect(timers.filter((ms) => ms >= 2 ** 31)).toEqual([]);
  });

  it("has no timer while nothing is scheduled", async () => {
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(timers).toEqual([]);
  });

  it("ends soon after a machine wakes up that slept through it", async () => {
    schedule(3_600_000);
    await vi.advanceTimersByTimeAsync(60_000);
    aheadMs = 8 * 3_600_000; // while it slept, no timer ran
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent).toHaveLength(1);
  });
});

describe("a message that cannot be sent", () => {
  const refuse = (...queues: string[]) => {
    const sendNow = send;
    send = (queue) =>
      sendNow(queue).then(() => {
        if (queues.includes(queue)) throw new Error("no such queue");
      });
  };

  it("is tried ever more slowly, up to once a minute", async () => {
    refuse("jobs");
    schedule(SECOND_MS);
    await vi.advanceTimersByTimeAsync(150 * SECOND_MS);
    expect(sent.map(({ atMs }) => atMs / SECOND_MS)).toEqual([1, 2, 4, 8, 16, 32, 64, 124]);
    expect(store.find("g", "s")).toBeDefined();
  });

  it.each([
    ["tries", { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 3 }, 4],
    ["age", { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 185 }, 6],
  ])("goes to its dead letters at the end of its %s, which keep it", async (_, policy, tries) => {
    refuse("jobs");
    schedule(SECOND_MS, { RetryPolicy: policy, DeadLetterConfig: { Arn: "dead" } });
    await vi.advanceTimersByTimeAsync(300 * SECOND_MS);
    expect(sent.map(({ queue }) => queue)).toEqual([...Array<string>(tries).fill("jobs"), "dead"]);
    expect(store.find("g", "s")).toBeUndefined();
  });

  it("is kept as long as its dead letters do not take it either", async () => {
    refuse("jobs", "dead");
    const policy = { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 };
    schedule(SECOND_MS, { RetryPolicy: policy, DeadLetterConfig: { Arn: "dead" } });
    await vi.advanceTimersByTimeAsync(DAY_MS);
    expect(store.find("g", "s")).toBeDefined();
  });

  it("is dropped at the end of its retry policy, if it has no dead letters", async () => {
    refuse("jobs");
    schedule(SECOND_MS, {
      RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 1 },
    });
    await vi.advanceTimersByTimeAsync(300 * SECOND_MS);
    expect(sent).toHaveLength(2);
    expect(store.find("g", "s")).toBeUndefined();
  });
});

describe("a schedule that is changed while its message is being sent", () => {
  it.each([
    ["moved", { modifiedAtMs: NOW_MS + 1, dueAtMs: NOW_MS + DAY_MS }],
    ["made anew", { createdAtMs: NOW_MS + 1, modifiedAtMs: NOW_MS + 1, dueAtMs: NOW_MS + DAY_MS }],
  ])("stands, if it was %s", async (_, change) => {
    const sending = Promise.withResolvers<void>();
    send = () => sending.promise;
    schedule(SECOND_MS);
    await vi.advanceTimersByTimeAsync(SECOND_MS);
    store.put({ ...store.find("g", "s")!, ...change });
    sending.resolve();
    await vi.advanceTimersByTimeAsync(SECOND_MS);
    expect(store.find("g", "s")).toMatchObject(change);
  });
});
