import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeRateBuckets } from "../../lambdas/adapters/dynamodb/rate-buckets.ts";
import type { JobMessage } from "../../lambdas/core/rules/job.ts";
import { HORIZON_MS } from "../../lambdas/core/rules/rate-limit.ts";
import type { Pace } from "../../lambdas/core/rules/rate-limit.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { countCapacity, dying, freeze, intercepted } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import {
  accepting,
  jobRequest,
  LEASE_MS,
  messageOf,
  recordingObserver,
  startStage,
  testClock,
} from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);

const SLOW = { rps: 0.001, burst: 1 };
const aPace = (limit: { rps: number; burst: number }): Pace => ({
  bucket: `t1#${randomBytes(12).toString("base64url")}`,
  ...limit,
});
const destination = () => ({ url: receiver.url, method: "POST" as const, timeoutMs: 10_000 });
const received = (message: JobMessage) => ({ message, sentAtMs: Date.now() });
const bucketsOn = (client = localDynamoDb(stage.dynamodbEndpoint), clock = testClock()) =>
  makeRateBuckets({ client, name: TABLE_NAME }, clock);
const jobAt = async (id: string) => {
  const job = await stage.store.read(id, Date.now());
  if (job.kind !== "job") throw new Error(`${id} is ${job.kind}`);
  return job;
};

/**
 * The next message of a job; those of other tests are thrown away. A call to the queue waits for two
 * seconds at most.
 */
const nextMessage = async (id: string): Promise<JobMessage> => {
  const deadlineMs = Date.now() + 10_000;
  while (Date.now() < deadlineMs) {
    const [message] = await messagesOf(id, 2);
    if (message) return message;
  }
  throw new Error(`no message of ${id} came`);
};
const messagesOf = async (id: string, waitSeconds: number): Promise<readonly JobMessage[]> =>
  (await stage.takeMessages("normal", waitSeconds)).filter(({ jobId }) => jobId === id);

/** A job with a limit, and its message as it was sent. */
const accept = async (pace: Pace) => {
  const { id } = await stage.accept({ destination: destination(), pace });
  const message: JobMessage = { ...messageOf(id), pace };
  return { id, message };
};
/** A job whose turn is some while ahead: others have taken what there was. */
const acceptBehind = async (limit = SLOW) => {
  const pace = aPace(limit);
  await bucketsOn().take(pace, 0);
  return { pace, ...(await accept(pace)) };
};

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

describe("a claim whose slot has passed", () => {
  /** A worker that is held up between its claim and its start. */
  const heldUp = async (
    limit: { rps: number; burst: number },
    { store = stage.store, othersTake = 1 } = {},
  ) => {
    const pace = aPace(limit);
    const { id, message } = await accept(pace);
    const ice = freeze();
    const slow = intercepted(store, "readContent", async (read) => {
      await ice.reach();
      return read();
    });
    const clock = testClock();
    const observer = recordingObserver();
    const verdict = stage.worker({ store: slow, clock, observer })(received(message));
    await ice.reached;
    for (let other = 0; other < othersTake; other += 1) await bucketsOn().take(pace, 0);
    clock.advance(1_000);
    ice.thaw();
    return { id, message, verdict, observer };
  };

  it("is released for its new slot, and the attempt was never made", async () => {
    const { id, verdict, observer } = await heldUp({ rps: 0.25, burst: 1 });
    expect(await verdict).toEqual({ kind: "delete" });
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 0, lease: null });
    expect(observer.events).toEqual([]);
    const again = await nextMessage(id);
    expect(again).toMatchObject({ jobId: id, attempt: 1, slotMs: expect.any(Number) });
    expect(await stage.store.listAttempts(await jobAt(id), 0, 10)).toEqual([]);
    const later = testClock();
    later.advance(5_000);
    await stage.worker({ clock: later })(received(again));
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 1 });
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("starts at a new slot that is near", async () => {
    const { id, verdict } = await heldUp({ rps: 20, burst: 1 });
    expect(await verdict).toEqual({ kind: "delete" });
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 1 });
  });

  it("starts with its own token, if nobody has taken one since", async () => {
    const { id, verdict } = await heldUp({ rps: 0.001, burst: 1 }, { othersTake: 0 });
    expect(await verdict).toEqual({ kind: "delete" });
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 1 });
  });

  it("is an attempt, if its worker dies before it is released: the message went first", async () => {
    const { id, verdict } = await heldUp(
      { rps: 0.25, burst: 1 },
      { store: dying(stage.store, "release", "before") },
    );
    await expect(verdict).rejects.toThrow(/died/);
    const again = await nextMessage(id);
    const later = testClock();
    later.advance(LEASE_MS + 1);
    const observer = recordingObserver();
    await stage.worker({ clock: later, observer })(received(again));
    expect(observer.events).toEqual(["closed 1: retry"]);
  });

  it("is not released by a worker that lost it meanwhile", async () => {
    const ice = freeze();
    const store = intercepted(stage.store, "release", async (release) => {
      await ice.reach();
      return release();
    });
    const { id, verdict } = await heldUp({ rps: 0.25, burst: 1 }, { store });
    await ice.reached;
    const later = testClock();
    later.advance(LEASE_MS + 2_000);
    await stage.worker({ clock: later })(received(messageOf(id)));
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 1, closedAttempts: [1] });
    ice.thaw();
    expect(await verdict).toEqual({ kind: "delete" });
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 1, closedAttempts: [1] });
  });
});

describe("a message that says another limit than its job", () => {
  it.each([
    ["no limit", undefined],
    ["another bucket", aPace({ rps: 1_000, burst: 1_000 })],
  ])("waits for a slot of the job's own all the same: %s", async (_, pace) => {
    const { id } = await acceptBehind({ rps: 0.25, burst: 1 });
    const message = { ...messageOf(id), ...(pace ? { pace, slotMs: Date.now() } : {}) };
    expect(await stage.worker({})(received(message))).toEqual({ kind: "delete" });
    expect(receiver.of(id)).toEqual([]);
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 0 });
    const again = await nextMessage(id);
    expect(again).toMatchObject({ jobId: id, pace: { rps: 0.25 }, slotMs: expect.any(Number) });
  });

  it("does not hold up a job without one", async () => {
    const { id } = await stage.accept({ destination: destination() });
    const pace = aPace({ rps: 10, burst: 1 });
    await stage.worker({})(received({ ...messageOf(id), pace }));
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 1 });
  });
});

describe("a message that comes twice", () => {
  it("is one request, at whichever slot", async () => {
    const { id, message } = await accept(aPace({ rps: 20, burst: 2 }));
    await Promise.all([1, 2].map(() => stage.worker({})(received(message))));
    expect(receiver.of(id)).toHaveLength(1);
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

const holding = (untilMs: number) => ({
  heldUntilMs: () => Promise.resolve(untilMs),
  hold: () => Promise.resolve(),
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

describe("a worker that died", () => {
  /** Its message comes back when the lease is over, to a worker that is told so. */
  const comesBack = async (id: string, message: JobMessage, holds?: ReturnType<typeof holding>) => {
    const store = dying(stage.store, "recordResult", "before");
    await expect(stage.worker({ store })(received(message))).rejects.toThrow(/died/);
    const clock = testClock();
    clock.advance(LEASE_MS + 1);
    const worker = stage.worker({ clock, ...(holds ? { holds } : {}) });
    await worker({ ...received(message), receives: 2 });
    return jobAt(id);
  };

  it("has its attempt closed at once, however far off the next slot is", async () => {
    const { id, message } = await accept(aPace(SLOW));
    const job = await comesBack(id, message);
    expect(job).toMatchObject({ state: "waiting", attempts: 1, closedAttempts: [1] });
  });

  it("has its attempt closed at once, however long its destination is held", async () => {
    const { id, message } = await stage.accept({ destination: destination() });
    const job = await comesBack(id, message, holding(Date.now() + 24 * 3_600_000));
    expect(job).toMatchObject({ state: "waiting", attempts: 1, closedAttempts: [1] });
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
