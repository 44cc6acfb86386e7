import { describe, expect, it } from "vitest";
import { Problem } from "../../lambdas/core/errors.ts";
import type { JobStore } from "../../lambdas/core/ports.ts";
import { keyedJobId } from "../../lambdas/core/rules/ids.ts";
import { dying, freeze, intercepted } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import {
  accepting,
  jobRequest,
  messageOf,
  recordingObserver,
  startStage,
  testClock,
} from "../support/stage.ts";
import type { TestClock } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);

const HASH = "ab".repeat(16);
let keys = 0;
const newKey = () => `key-${(keys += 1)}`;

const api = (parts: { readonly store?: JobStore; readonly clock?: TestClock } = {}) => {
  const clock = parts.clock ?? testClock();
  return accepting({ store: parts.store ?? stage.store, queue: stage.queueFor(clock), clock });
};
const request = () =>
  jobRequest({ destination: { url: receiver.url, method: "POST", timeoutMs: 10_000 } });
const aged = (id: string, ageMs: number) => ({
  message: messageOf(id),
  sentAtMs: Date.now() - ageMs,
});

describe("a message whose job is not there", () => {
  it("waits in process for a put that is in flight", async () => {
    const key = newKey();
    const frozen = freeze();
    const store = intercepted(stage.store, "create", async (call) => {
      await frozen.reach();
      return call();
    });
    const accepting = api({ store })(request(), HASH, key);
    await frozen.reached;
    const [message = messageOf("")] = await stage.takeMessages("normal");

    const delivering = stage.worker({})({ message, sentAtMs: Date.now() });
    frozen.thaw();
    const { id } = await accepting;
    expect(await delivering).toEqual({ kind: "delete" });
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("is returned for longer and longer, and after a minute given up under a tombstone", async () => {
    const id = keyedJobId("t1", newKey());
    const observer = recordingObserver();
    const worker = stage.worker({ observer });
    expect(await worker(aged(id, 0))).toEqual({ kind: "return", afterMs: 1_000 });
    expect(await worker(aged(id, 7_000))).toMatchObject({ kind: "return" });
    expect(observer.events).toEqual([]);
    expect(await worker(aged(id, 60_000))).toEqual({ kind: "delete" });
    expect(observer.events).toEqual(["gave up: no_job"]);
    expect(await stage.store.read(id, Date.now())).toMatchObject({ kind: "tombstone" });
    expect(await worker(aged(id, 7_000))).toEqual({ kind: "delete" });
  });
});

describe("an api function that dies between the message and the put", () => {
  it("leaves no job; the same key makes one afterwards, and it is delivered once", async () => {
    const key = newKey();
    const store = dying(stage.store, "create", "before");
    await expect(api({ store })(request(), HASH, key)).rejects.toBeInstanceOf(Problem);
    const id = keyedJobId("t1", key);
    expect(await stage.store.read(id, Date.now())).toEqual({ kind: "absent" });

    const again = await api()(request(), HASH, key);
    expect(again).toMatchObject({ id, isReplay: false });
    const messages = await stage.takeMessages("normal");
    expect(messages).toEqual([messageOf(id), messageOf(id)]);
    for (const message of messages) await stage.worker({})({ message, sentAtMs: Date.now() });
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("after the put: the repeat is a replay of the job that was accepted after all", async () => {
    const key = newKey();
    const store = dying(stage.store, "create", "after");
    await expect(api({ store })(request(), HASH, key)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(await api()(request(), HASH, key)).toMatchObject({ isReplay: true });
    await stage.takeMessages("normal");
  });
});

describe("a tombstone", () => {
  it("refuses a put that began before it: that job's message is gone", async () => {
    const key = newKey();
    const frozen = freeze();
    const store = intercepted(stage.store, "create", async (call) => {
      await frozen.reach();
      return call();
    });
    const accepting = api({ store })(request(), HASH, key).catch((error: unknown) => error);
    await frozen.reached;
    const [message = messageOf("")] = await stage.takeMessages("normal");
    await stage.worker({})({ message, sentAtMs: Date.now() - 60_000 });

    frozen.thaw();
    expect(await accepting).toMatchObject({ code: "unavailable", retryAfterSeconds: 10 });
    expect(await stage.store.read(message.jobId, Date.now())).toMatchObject({ kind: "tombstone" });
  });

  it("gives way to a put that began after it", async () => {
    const key = newKey();
    const id = keyedJobId("t1", key);
    await stage.worker({})(aged(id, 60_000));
    const later = testClock();
    later.advance(6_000);
    expect(await api({ clock: later })(request(), HASH, key)).toMatchObject({ id });
    const [message = messageOf("")] = await stage.takeMessages("normal");
    await stage.worker({})({ message, sentAtMs: Date.now() });
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("is raised by each message that it eats, so that the put behind that message is refused", async () => {
    const key = newKey();
    const id = keyedJobId("t1", key);
    await stage.worker({})(aged(id, 60_000));

    const later = testClock();
    later.advance(6_000);
    const frozen = freeze();
    const store = intercepted(stage.store, "create", async (call) => {
      await frozen.reach();
      return call();
    });
    const accepting = api({ store, clock: later })(request(), HASH, key).catch(
      (error: unknown) => error,
    );
    await frozen.reached;
    const [message = messageOf("")] = await stage.takeMessages("normal");
    const worker = stage.worker({ clock: later });
    // A young one waits for its put, or every repeat would be refused for the sake of its own message.
    expect(await worker({ message, sentAtMs: later.now() })).toEqual({
      kind: "return",
      afterMs: 1_000,
    });
    expect(await worker({ message, sentAtMs: later.now() - 7_000 })).toEqual({ kind: "delete" });
    frozen.thaw();
    expect(await accepting).toMatchObject({ code: "unavailable" });
  });

  it("is never put over a job, whatever the message's age", async () => {
    const { id } = await stage.accept({ destination: request().destination });
    expect(await stage.store.putTombstone(id, Date.now())).toMatchObject({
      kind: "refused",
      found: { kind: "job" },
    });
  });
});

describe("two bodies that race under one key", () => {
  it("one wins whole, its payload too, and the other is a conflict", async () => {
    const bodies = Array.from({ length: 8 }, (_, index) => ({
      hash: index.toString(16).padStart(32, "0"),
      body: Buffer.from(JSON.stringify({ index, filler: "x".repeat(5_000) })),
    }));
    const key = newKey();
    const results = await Promise.allSettled(
      bodies.map(({ hash, body }) =>
        api()({ ...request(), content: { body, headers: [] } }, hash, key),
      ),
    );
    const winners = results.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
    expect(winners).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") {
        expect(result.reason).toMatchObject({ code: "idempotency_conflict" });
      }
    }
    const id = keyedJobId("t1", key);
    for (const message of await stage.takeMessages("normal")) {
      await stage.worker({})({ message, sentAtMs: Date.now() });
    }
    const [sent, ...more] = receiver.of(id);
    expect(more).toEqual([]);
    expect(sent?.body.equals(bodies[winners[0] ?? -1]?.body ?? Buffer.alloc(0))).toBe(true);
  });
});
