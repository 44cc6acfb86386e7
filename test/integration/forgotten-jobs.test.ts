import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { freeze, intercepted } from "../support/faults.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import { accepting, jobRequest, messageOf, startStage, testClock } from "../support/stage.ts";
import type { Stage, TestClock } from "../support/stage.ts";

/** A job is forgotten 30 days after its end, and counts as absent although its items still stand. */

const DAY_MS = 24 * 3_600_000;
const stage = forAllTests(startStage);
const receiver = forAllTests(startReceiver);
beforeEach(() => receiver.answerStatuses(200));

const HASH = "12".repeat(16);
const request = (more: object = {}) =>
  jobRequest({
    destination: { url: receiver.url, method: "POST", timeoutMs: 1_000 },
    retry: { kind: "schedule", delaysMs: [100] },
    ...more,
  });
const door = (clock: TestClock, store = stage.store, dedupeWindowMs = 60 * DAY_MS) =>
  accepting({ store, clock, queue: stage.queueFor(clock), dedupeWindowMs });
const deliver = (id: string, clock: TestClock, attempt = 1) =>
  stage.worker({ clock })({ message: messageOf(id, attempt), sentAtMs: clock.now() });
const after = (days: number, moreMs = 0) => {
  const clock = testClock();
  clock.advance(days * DAY_MS + moreMs);
  return clock;
};

describe("a key whose job is forgotten", () => {
  it("makes a new job, which shows none of the old one's attempts", async () => {
    const key = randomUUID();
    const now = testClock();
    receiver.answerStatuses(500, 200);
    const { id } = await door(now)(request(), HASH, key);
    await deliver(id, now);
    now.advance(2_000);
    await deliver(id, now, 2);
    await stage.takeMessages("normal", 0);

    const later = after(31);
    receiver.answerStatuses(200);
    expect(await door(later)(request(), HASH, key)).toMatchObject({ id, isReplay: false });
    await deliver(id, later);
    const job = await stage.store.read(id, later.now());
    if (job.kind !== "job") throw new Error("no job");
    expect(await stage.store.listAttempts(job, 0, 10)).toMatchObject([{ n: 1, status: "success" }]);
  });

  it("is neither shown nor given away in the minute after its end", async () => {
    const key = randomUUID();
    const now = testClock();
    const { id } = await door(now)(request(), HASH, key);
    await deliver(id, now);
    const edge = after(30, 10_000);
    expect(await stage.store.read(id, edge.now())).toEqual({ kind: "absent" });
    await expect(door(edge)(request(), HASH, key)).rejects.toMatchObject({ code: "unavailable" });
    await expect(door(edge)(request(), "00".repeat(16), key)).rejects.toMatchObject({
      code: "unavailable",
    });
    await stage.takeMessages("normal", 0);
  });
});

describe("a dedupe key whose window is longer than its job is kept", () => {
  it("gives way when the job is forgotten", async () => {
    const dedupeKey = randomUUID();
    const now = testClock();
    const { id } = await door(now)(request({ dedupeKey }), HASH, undefined);
    await deliver(id, now);
    const later = after(31);
    const second = await door(later)(request({ dedupeKey }), HASH, undefined);
    expect(second).toMatchObject({ isDeduplicated: false });
    expect(second.id).not.toBe(id);
    await stage.takeMessages("normal", 0);
  });
});

describe("a pointer to a job that is forgotten", () => {
  /** A keyed request that a dedupe key answered, whose answer is forgotten by `later`. */
  const pointerToForgotten = async () => {
    const [dedupeKey, key] = [randomUUID(), randomUUID()];
    const now = testClock();
    const hourly = (clock: TestClock, store = stage.store) => door(clock, store, 3_600_000);
    const first = await hourly(now)(request({ dedupeKey }), HASH, undefined);
    await deliver(first.id, now);
    const keyed = request({ dedupeKey, content: { body: Buffer.from("2"), headers: [] } });
    expect(await hourly(now)(keyed, HASH, key)).toMatchObject({
      id: first.id,
      isDeduplicated: true,
    });
    await stage.takeMessages("normal", 0);
    return {
      later: after(31),
      again: (clock: TestClock, store?: Stage["store"]) => hourly(clock, store)(keyed, HASH, key),
    };
  };

  it("gives way to a new job of its key", async () => {
    const { later, again } = await pointerToForgotten();
    const { id, isReplay } = await again(later);
    expect(isReplay).toBe(false);
    await deliver(id, later);
    expect(receiver.of(id)).toHaveLength(1);
    await stage.takeMessages("normal", 0);
  });

  it("refuses that job when it has eaten its message meanwhile", async () => {
    const { later, again } = await pointerToForgotten();
    const frozen = freeze();
    const store = intercepted(stage.store, "create", async (call) => {
      await frozen.reach();
      return call();
    });
    const accepted = again(later, store).catch((error: unknown) => error);
    await frozen.reached;
    const [message = messageOf("")] = await stage.takeMessages("normal");
    const sentAtMs = later.now() - 7_000;
    expect(await stage.worker({ clock: later })({ message, sentAtMs })).toEqual({ kind: "delete" });
    frozen.thaw();
    expect(await accepted).toMatchObject({ code: "unavailable" });

    later.advance(10_000);
    const { id } = await again(later);
    await deliver(id, later);
    expect(receiver.of(id)).toHaveLength(1);
  });
});
