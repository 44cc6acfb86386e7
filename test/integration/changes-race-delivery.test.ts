import { describe, expect, it } from "vitest";
import { makeCancelJob } from "../../lambdas/core/usecases/cancel-job.ts";
import { makeRetryJob } from "../../lambdas/core/usecases/retry-job.ts";
import { intercepted } from "../support/faults.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import { rounds, roundsTimeoutMs } from "../support/rounds.ts";
import { messageOf, startStage, testClock } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forAllTests(startReceiver);

const accept = (more: object = {}) =>
  stage.accept({
    destination: { url: receiver.url, method: "POST", timeoutMs: 10_000 },
    retry: { kind: "schedule", delaysMs: [100] },
    ...more,
  });
const received = (id: string, attempt = 1, generation = 0) => ({
  message: messageOf(id, attempt, generation),
  sentAtMs: Date.now(),
});
const changes = () => {
  const deps = { store: stage.store, queue: stage.queueFor(), clock: testClock() };
  return { cancel: makeCancelJob(deps), retry: makeRetryJob(deps) };
};
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a cancel that races a delivery", () => {
  it(
    "either stops the job or is too late, and never both",
    async () => {
      const { cancel } = changes();
      const tally = { cancelled: 0, too_late: 0, unknown: 0 };
      const count = rounds(60, 1_000);
      for (let round = 0; round < count; round += 1) {
        const { id } = await accept();
        const [outcome] = await Promise.all([
          pause(round % 7).then(() => cancel(id)),
          pause((round * 3) % 5).then(() => stage.worker({})(received(id))),
        ]);
        tally[outcome.kind] += 1;
        const job = await stage.store.read(id, Date.now());
        const requests = receiver.of(id).length;
        if (outcome.kind === "cancelled") {
          expect(job).toMatchObject({ state: "cancelled", attempts: 0 });
          expect(requests).toBe(0);
        } else {
          expect(job).toMatchObject({ state: "success", attempts: 1 });
          expect(requests).toBe(1);
        }
        expect(await stage.worker({})(received(id))).toEqual({ kind: "delete" });
        expect(receiver.of(id)).toHaveLength(requests);
      }
      console.log(`${count} races:`, tally);
      expect(tally.cancelled).toBeGreaterThan(0);
      expect(tally.too_late).toBeGreaterThan(0);
    },
    roundsTimeoutMs(120_000, 1_800_000),
  );
});

describe("manual retries that race each other and late messages", () => {
  it(
    "begin one sequence, and no two attempts are ever under way at once",
    async () => {
      const { retry } = changes();
      const count = rounds(25, 1_000);
      for (let round = 0; round < count; round += 1) {
        receiver.answerStatuses(500);
        const { id } = await accept({ maxAttempts: 1 });
        await stage.worker({})(received(id));
        let open = 0;
        let most = 0;
        receiver.answer(async (_, response) => {
          open += 1;
          most = Math.max(most, open);
          await pause(2);
          open -= 1;
          response.writeHead(200).end();
        });
        const [a, b] = await Promise.all([
          retry(id, undefined),
          pause(round % 4).then(() => retry(id, undefined)),
          stage.worker({})(received(id)),
          pause(round % 6).then(() => stage.worker({})(received(id, 1, 1))),
        ]);
        expect([a.kind, b.kind].toSorted()).toEqual(["not_over", "queued"]);
        await Promise.all([
          stage.worker({})(received(id, 1, 1)),
          stage.worker({})(received(id, 1, 1)),
        ]);
        expect(most).toBe(1);
        expect(await stage.store.read(id, Date.now())).toMatchObject({
          state: "success",
          generation: 1,
          attempts: 1,
          earlierAttempts: 1,
        });
        expect(receiver.of(id)).toHaveLength(2);
        await stage.takeMessages("normal", 0);
      }
    },
    roundsTimeoutMs(120_000, 1_800_000),
  );
});

describe("a manual retry whose function dies", () => {
  it("after the message and before the write changes nothing, and a later one succeeds", async () => {
    receiver.answerStatuses(500, 200);
    const { id } = await accept({ maxAttempts: 1 });
    await stage.worker({})(received(id));
    const store = intercepted(stage.store, "retry", () => Promise.reject(new Error("died")));
    const dying = makeRetryJob({ store, queue: stage.queueFor(), clock: testClock() });
    await expect(dying(id, "key")).rejects.toThrow("died");
    expect(await stage.store.read(id, Date.now())).toMatchObject({ state: "dlq", generation: 0 });

    // Its message is of a generation to come: fenced after a minute, so the next retry goes beyond.
    expect(await stage.worker({})(received(id, 1, 1))).toEqual({ kind: "return", afterMs: 1_000 });
    const old = { ...received(id, 1, 1), sentAtMs: Date.now() - 60_000 };
    expect(await stage.worker({})(old)).toEqual({ kind: "delete" });
    expect(await changes().retry(id, "key")).toEqual({ kind: "queued", isReplay: false });
    expect(await stage.store.read(id, Date.now())).toMatchObject({
      state: "waiting",
      generation: 2,
    });
    await stage.worker({})(received(id, 1, 2));
    expect(await stage.store.read(id, Date.now())).toMatchObject({ state: "success" });
    expect(await changes().retry(id, "key")).toEqual({ kind: "queued", isReplay: true });
  });

  it("keeps content and attempts for as long as the job may live from then on", async () => {
    receiver.answerStatuses(500);
    const body = Buffer.from("x".repeat(5_000));
    const { id } = await accept({ maxAttempts: 1, content: { body, headers: [] } });
    await stage.worker({})(received(id));
    const before = await stage.expiries(id);
    const later = testClock();
    later.advance(20 * 24 * 3_600_000);
    const { retry } = {
      retry: makeRetryJob({ store: stage.store, queue: stage.queueFor(), clock: later }),
    };
    expect(await retry(id, undefined)).toMatchObject({ kind: "queued" });
    const after = await stage.expiries(id);
    expect(Object.keys(after).toSorted()).toEqual(Object.keys(before).toSorted());
    expect(after["JOB"]).toBeUndefined();
    for (const [sortKey, expiresAt] of Object.entries(after)) {
      if (sortKey === "JOB") continue;
      expect(expiresAt).toBeGreaterThanOrEqual((before[sortKey] ?? 0) + 19 * 24 * 3_600);
    }
  });
});
