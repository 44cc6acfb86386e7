import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyedJobId } from "../../lambdas/core/rules/ids.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import { accepting, jobRequest, messageOf, startStage, testClock } from "../support/stage.ts";
import type { TestClock } from "../support/stage.ts";

/** A keyed request that a dedupe key answered leaves a pointer under its own id. */

const DAY_MS = 24 * 3_600_000;
const HASH = "12".repeat(16);
const OTHER_HASH = "34".repeat(16);
const stage = forAllTests(startStage);
const receiver = forAllTests(startReceiver);

const request = (more: object = {}) =>
  jobRequest({ destination: { url: receiver.url, method: "POST", timeoutMs: 1_000 }, ...more });
const door = (clock: TestClock = testClock(), dedupeWindowMs = 3_600_000) =>
  accepting({ store: stage.store, clock, queue: stage.queueFor(clock), dedupeWindowMs });
const deliver = (id: string, clock: TestClock) =>
  stage.worker({ clock })({ message: messageOf(id), sentAtMs: clock.now() });
const inDays = (days: number) => {
  const clock = testClock();
  clock.advance(days * DAY_MS);
  return clock;
};

describe("a pointer", () => {
  it("belongs to one body, also when two come at once", async () => {
    const [key, dedupeKey] = [randomUUID(), randomUUID()];
    await door()(request({ dedupeKey }), HASH, undefined);
    const answers = await Promise.all(
      [HASH, OTHER_HASH].map((hash) =>
        door()(request({ dedupeKey }), hash, key).catch(({ code }: { code: string }) => code),
      ),
    );
    expect(answers).toContain("idempotency_conflict");
    expect(answers).toContainEqual(expect.objectContaining({ isDeduplicated: true }));
  });

  it("to a job that is forgotten takes no live job's dedupe key away", async () => {
    const [key, dedupeKey] = [randomUUID(), randomUUID()];
    const now = testClock();
    const first = await door(now)(request({ dedupeKey }), HASH, undefined);
    const pointed = await door(now)(request({ dedupeKey }), HASH, key);
    expect(pointed).toMatchObject({ id: first.id, isDeduplicated: true });
    await deliver(first.id, now);

    const later = inDays(31);
    const second = await door(later)(request({ dedupeKey }), HASH, undefined);
    expect(second.isDeduplicated).toBe(false);
    const again = await door(later)(request({ dedupeKey }), HASH, key);
    expect(again).toMatchObject({ id: second.id, isDeduplicated: true });
    expect(await stage.store.findHold("t1", dedupeKey, later.now())).toMatchObject({
      jobId: second.id,
    });
  });

  it("leads to no other job that has the id of the one that is forgotten", async () => {
    const [key, holderKey, dedupeKey] = [randomUUID(), randomUUID(), randomUUID()];
    const now = testClock();
    const holder = await door(now)(request({ dedupeKey }), HASH, holderKey);
    await door(now)(request({ dedupeKey }), HASH, key);
    await deliver(holder.id, now);

    const later = inDays(31);
    const unrelated = await door(later)(request(), OTHER_HASH, holderKey);
    expect(unrelated).toMatchObject({ id: holder.id, isReplay: false });
    const again = await door(later)(request({ dedupeKey }), HASH, key);
    expect(again).toMatchObject({ id: keyedJobId("t1", key), isDeduplicated: false });
  });
});

describe("a dedupe key that is held for longer than its job is kept", () => {
  it("is not answered by another job of the same id", async () => {
    const [key, dedupeKey] = [randomUUID(), randomUUID()];
    const now = testClock();
    const first = await door(now, 60 * DAY_MS)(request({ dedupeKey }), HASH, key);
    await deliver(first.id, now);

    const later = inDays(31);
    const unrelated = await door(later, 60 * DAY_MS)(request(), OTHER_HASH, key);
    expect(unrelated.id).toBe(first.id);
    const asked = await door(later, 60 * DAY_MS)(request({ dedupeKey }), HASH, undefined);
    expect(asked.isDeduplicated).toBe(false);
  });
});
