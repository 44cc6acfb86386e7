import { describe, expect, it } from "vitest";
import type { JobMessage } from "../../lambdas/core/rules/job.ts";
import { HORIZON_MS } from "../../lambdas/core/rules/rate-limit.ts";
import type { Pace } from "../../lambdas/core/rules/rate-limit.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { countCapacity, dying, intercepted } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { aPace, holding, limitedJobsOn, received, SLOW } from "../support/limited-jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import {
  accepting,
  jobRequest,
  messageOf,
  recordingObserver,
  startStage,
  testClock,
} from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);
const { accept, acceptBehind, bucketsOn, destination, jobAt, messagesOf, nextMessage } =
  limitedJobsOn(stage, receiver);

describe("a job that has to wait for its slot", () => {
  it("is sent away until shortly before it, not yet claimed, with the slot", async () => {
    const { id, message, pace } = await acceptBehind({ rps: 0.25, burst: 1 });
    const before = await jobAt(id);
    const sentAtMs = Date.now();
    expect(await stage.worker({})(received(message))).toEqual({ kind: "delete" });
    expect(await messagesOf(id, 0)).toEqual([]);
    const again = await nextMessage(id);
    expect(again).toMatchObject({ ...message, pace });
    const aheadMs = (again.slotMs ?? 0) - Date.now();
    expect(aheadMs).toBeLessThanOrEqual(1_300);
    expect((again.slotMs ?? 0) - sentAtMs).toBeGreaterThan(3_000);
    expect(await jobAt(id)).toEqual(before);
    // And starts at the slot, or on a busy machine at the one after it.
    await stage.worker({})(received(again));
    while (receiver.of(id).length === 0) {
      await stage.worker({})(received(await nextMessage(id)));
    }
    expect(receiver.of(id)[0]?.atMs).toBeGreaterThanOrEqual(again.slotMs ?? Infinity);
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 1 });
  });

  it("goes through the scheduler, if it is further off than a queue can delay", async () => {
    const { message } = await acceptBehind();
    const sent: { message: JobMessage; dueAtMs: number }[] = [];
    const queue = {
      ...stage.queueFor(),
      send: (to: JobMessage, dueAtMs: number) => {
        sent.push({ message: to, dueAtMs });
        return Promise.resolve();
      },
    };
    expect(await stage.worker({ queue })(received(message))).toEqual({ kind: "delete" });
    const [{ message: again, dueAtMs } = { message, dueAtMs: 0 }] = sent;
    expect(dueAtMs).toBe((again.slotMs ?? 0) - 1_300);
    expect(dueAtMs - Date.now()).toBeGreaterThan(900_000);
  });

  it("is asked for again after a day, if it is beyond all patience", async () => {
    const pace = aPace(SLOW);
    const clock = testClock();
    clock.advance(HORIZON_MS);
    await bucketsOn(undefined, clock).take(pace, 0);
    const { id, message } = await accept(pace);
    expect(await stage.worker({})(received(message))).toEqual({ kind: "delete" });
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 0 });
  });

  it("takes a new slot, if it comes too late for its own", async () => {
    const { id, message } = await accept(aPace({ rps: 0.5, burst: 1 }));
    const clock = testClock();
    const lateBy = async (lateMs: number) => {
      const slotMs = clock.now() - lateMs;
      let taken = 0;
      const buckets = intercepted(bucketsOn(), "take", (take) => {
        taken += 1;
        return take();
      });
      // It stops before the claim is carried out, so that the same job can be late again.
      const store = dying(stage.store, "claim", "before");
      await stage
        .worker({ store, buckets, clock })(received({ ...message, slotMs }))
        .catch(() => undefined);
      return taken;
    };
    expect(await lateBy(0)).toBe(0);
    expect(await lateBy(100)).toBe(1);
    expect(receiver.of(id)).toEqual([]);
  });

  it("loses nothing when its worker dies while it waits: the next one takes another slot", async () => {
    const { id, message } = await accept(aPace({ rps: 2, burst: 1 }));
    const pace = message.pace ?? aPace(SLOW);
    const [, slotMs] = await Promise.all([bucketsOn().take(pace, 0), bucketsOn().take(pace, 0)]);
    const withSlot = { ...message, slotMs: Number(slotMs) };
    const store = dying(stage.store, "claim", "before");
    await expect(stage.worker({ store })(received(withSlot))).rejects.toThrow(/died/);
    // The message comes back when its visibility ends, long after the slot.
    const later = testClock();
    later.advance(90_000);
    await stage.worker({ clock: later })(received(withSlot));
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 1 });
  });
});

describe("a bucket that does not answer", () => {
  it("leaves the message in its queue, and the job unclaimed", async () => {
    const { id, message } = await accept(aPace({ rps: 20, burst: 2 }));
    const buckets = dying(bucketsOn(), "take", "before");
    await expect(stage.worker({ buckets })(received(message))).rejects.toThrow();
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 0 });
    await stage.worker({})(received(message));
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 1 });
  });

  it("refuses no job: its worker takes the slot", async () => {
    const acceptOne = accepting({
      store: stage.store,
      queue: stage.queueFor(),
      clock: testClock(),
      buckets: dying(bucketsOn(), "clockOf", "before"),
    });
    const pace = aPace({ rps: 20, burst: 2 });
    const { id } = await acceptOne(
      jobRequest({ destination: destination(), pace }),
      "00".repeat(16),
      undefined,
    );
    expect(await nextMessage(id)).toMatchObject({ pace });
  });
});

describe("a held destination", () => {
  it("keeps jobs away until then, unclaimed and without a token", async () => {
    const { id, message } = await accept(aPace({ rps: 20, burst: 2 }));
    const before = await jobAt(id);
    const client = localDynamoDb(stage.dynamodbEndpoint);
    const units = countCapacity(client);
    const holds = holding(Date.now() + 3_000);
    const worker = stage.worker({
      store: stage.storeOn(client),
      buckets: bucketsOn(client),
      holds,
    });
    expect(await worker(received({ ...message, slotMs: Date.now() }))).toEqual({ kind: "delete" });
    expect(units.of().writes).toBe(0);
    expect(await jobAt(id)).toEqual(before);
    expect(await messagesOf(id, 1)).toEqual([]);
    // Without the slot, which is over by then.
    expect(await nextMessage(id)).toEqual(message);
  });

  it("that could not be noted is told of, and the attempt is on record", async () => {
    receiver.answer((_, response) => void response.writeHead(503, { "retry-after": "60" }).end());
    const { id, message } = await stage.accept({ destination: destination() });
    const observer = recordingObserver();
    const holds = { ...holding(0), hold: () => Promise.reject(new Error("throttled")) };
    await stage.worker({ holds, observer })(received(message));
    expect(observer.events).toEqual(["could not hold", "attempted 1: retry"]);
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 1 });
  });

  it("is one also where the job itself is given up", async () => {
    receiver.answer((_, response) => void response.writeHead(429, { "retry-after": "60" }).end());
    const { id } = await stage.accept({ destination: destination(), maxAttempts: 1 });
    let heldMs = 0;
    const holds = {
      heldUntilMs: () => Promise.resolve(0),
      hold: (_: string, untilMs: number) => {
        heldMs = untilMs - Date.now();
        return Promise.resolve();
      },
    };
    await stage.worker({ holds })(received(messageOf(id)));
    expect(await jobAt(id)).toMatchObject({ state: "dlq" });
    expect(heldMs).toBeGreaterThan(59_000);
    expect(heldMs).toBeLessThanOrEqual(60_000);
  });
});

describe("what a limit costs", () => {
  /** Write units over a job's whole life, from its post on. */
  const unitsOfLives = async (jobs: number, pace: Pace) => {
    const client = localDynamoDb(stage.dynamodbEndpoint);
    const units = countCapacity(client);
    const store = stage.storeOn(client);
    const buckets = bucketsOn(client);
    const accept = accepting({ store, queue: stage.queueFor(), clock: testClock(), buckets });
    const worker = stage.worker({ store, buckets });
    const ids = new Set<string>();
    for (let job = 0; job < jobs; job += 1) {
      const request = jobRequest({ destination: destination(), pace });
      ids.add((await accept(request, "00".repeat(16), undefined)).id);
    }
    const deadlineMs = Date.now() + 20_000;
    while (receiver.requests.length < jobs && Date.now() < deadlineMs) {
      const messages = await stage.takeMessages("normal", 1);
      const ours = messages.filter(({ jobId }) => ids.has(jobId));
      await Promise.all(ours.map((message) => worker(received(message))));
    }
    expect(receiver.requests).toHaveLength(jobs);
    return units.of().writes;
  };

  it("is a write unit for one that starts at once", async () => {
    expect(await unitsOfLives(1, aPace({ rps: 1, burst: 1 }))).toBe(5);
  });

  it("is as much for those that have to wait, or one more where one was late", async () => {
    expect(await unitsOfLives(4, aPace({ rps: 0.7, burst: 1 }))).toBeLessThanOrEqual(4 * 6);
  });
});
