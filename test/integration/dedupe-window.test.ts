import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeCancelJob } from "../../lambdas/core/usecases/cancel-job.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { countCapacity, dying, loseAnswers } from "../support/faults.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { accepting, jobRequest, startStage, testClock } from "../support/stage.ts";

const stage = forAllTests(startStage);

const HASH = "ef".repeat(16);
const WINDOW_MS = 20_000;
/** What a slow machine may take between two posts. */
const SPARE_MS = 10_000;
const destination = { url: "http://127.0.0.1:9/", method: "POST" as const, timeoutMs: 1_000 };
const client = () => localDynamoDb(stage.dynamodbEndpoint);
const door = (store = stage.store, clock = testClock()) =>
  accepting({ store, clock, queue: stage.queueFor(clock), dedupeWindowMs: WINDOW_MS });
const request = (dedupeKey: string | null, tenantId = "t1") =>
  jobRequest({ destination, dedupeKey, tenantId });

describe("a dedupe key", () => {
  it("is free when its window is over, although its item still stands: one of fifty gets it", async () => {
    const key = randomUUID();
    const first = await door()(request(key), HASH, undefined);
    const later = testClock();
    later.advance(WINDOW_MS - SPARE_MS);
    expect(await door(stage.store, later)(request(key), HASH, undefined)).toMatchObject({
      id: first.id,
      isDeduplicated: true,
    });
    later.advance(SPARE_MS + 100);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => door(stage.store, later)(request(key), HASH, undefined)),
    );
    expect(answers.filter(({ isDeduplicated }) => !isDeduplicated)).toHaveLength(1);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers[0]?.id).not.toBe(first.id);
  });

  it("and its job are put together or not at all", async () => {
    const key = randomUUID();
    const store = dying(stage.store, "create", "before");
    await expect(door(store)(request(key), HASH, undefined)).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(await stage.store.findHold("t1", key, Date.now())).toBeUndefined();
    const { id, isDeduplicated } = await door()(request(key), HASH, undefined);
    expect(isDeduplicated).toBe(false);
    expect(await stage.store.findHold("t1", key, Date.now())).toMatchObject({ jobId: id });
  });

  it.each([1, 3])(
    "whose put's answer is lost %i times is no duplicate of itself",
    async (times) => {
      const lossy = client();
      loseAnswers(lossy, "TransactWriteItemsCommand", times);
      const accepted = await door(stage.storeOn(lossy))(request(randomUUID()), HASH, undefined);
      expect(accepted).toMatchObject({ isDeduplicated: false, isReplay: false });
    },
  );

  it("is let go with the cancel of its job, also when that answer is lost", async () => {
    const key = randomUUID();
    const { id } = await door()(request(key), HASH, undefined);
    const lossy = client();
    loseAnswers(lossy, "TransactWriteItemsCommand", 1);
    const cancel = makeCancelJob({
      store: stage.storeOn(lossy),
      queue: stage.queueFor(),
      clock: testClock(),
    });
    expect(await cancel(id)).toEqual({ kind: "cancelled" });
    expect(await stage.store.findHold("t1", key, Date.now())).toBeUndefined();
  });

  it("that another job holds by now is not let go", async () => {
    const key = randomUUID();
    const { id } = await door()(request(key), HASH, undefined);
    const later = testClock();
    later.advance(WINDOW_MS + 100);
    const second = await door(stage.store, later)(request(key), HASH, undefined);
    const cancel = makeCancelJob({ store: stage.store, queue: stage.queueFor(), clock: later });
    expect(await cancel(id)).toEqual({ kind: "cancelled" });
    expect(await stage.store.findHold("t1", key, later.now())).toMatchObject({ jobId: second.id });
  });

  it("with a key: the answer is kept, also after the window and a crash before the pointer", async () => {
    const key = randomUUID();
    const keyed = `k-${key}`;
    const first = await door()(request(key), HASH, undefined);
    const store = dying(stage.store, "putPointer", "before");
    await expect(door(store)(request(key), HASH, keyed)).rejects.toMatchObject({
      code: "unavailable",
    });
    const answer = { id: first.id, isDeduplicated: true };
    expect(await door()(request(key), HASH, keyed)).toMatchObject({ ...answer, isReplay: false });
    const later = testClock();
    later.advance(WINDOW_MS + 100);
    expect(await door(stage.store, later)(request(key), HASH, keyed)).toMatchObject({
      ...answer,
      isReplay: true,
    });
    await expect(
      door(stage.store, later)(request(key), "00".repeat(16), keyed),
    ).rejects.toMatchObject({
      code: "idempotency_conflict",
    });
  });
});

describe("what a create costs in write units", () => {
  const cost = async (dedupeKey: string | null, key?: string) => {
    const counted = client();
    const capacity = countCapacity(counted);
    const { isReplay, isDeduplicated } = await door(stage.storeOn(counted))(
      request(dedupeKey),
      HASH,
      key,
    );
    return { ...capacity.of(), isReplay, isDeduplicated };
  };

  it("2 without keys or with an Idempotency-Key, 5 with a dedupe key", async () => {
    expect(await cost(null)).toMatchObject({ writes: 2, reads: 0 });
    expect(await cost(null, randomUUID())).toMatchObject({ writes: 2, reads: 1 });
    expect(await cost(randomUUID())).toMatchObject({ writes: 5 });
  });

  it("nothing for a replay or a live dedupe key: they cost reads only", async () => {
    const [key, dedupe] = [randomUUID(), randomUUID()];
    await cost(null, key);
    await cost(dedupe);
    expect(await cost(null, key)).toMatchObject({ writes: 0, isReplay: true });
    expect(await cost(dedupe)).toMatchObject({ writes: 0, isDeduplicated: true });
  });
});
