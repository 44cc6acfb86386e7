import { describe, expect, it } from "vitest";
import type { JobMessage } from "../../lambdas/core/rules/job.ts";
import { dying, freeze, intercepted } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { aPace, holding, limitedJobsOn, received, SLOW } from "../support/limited-jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import { LEASE_MS, messageOf, recordingObserver, startStage, testClock } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);
const { accept, acceptBehind, bucketsOn, destination, jobAt, nextMessage } = limitedJobsOn(
  stage,
  receiver,
);

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
