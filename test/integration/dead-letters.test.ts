import { describe, expect, it } from "vitest";
import { decodeMessage } from "../../lambdas/adapters/sqs/job-queue.ts";
import { makeHandler as makeBury } from "../../lambdas/functions/bury/handler.ts";
import { makeHandler as makeDeliver } from "../../lambdas/functions/deliver/handler.ts";
import { makeBuryJob } from "../../lambdas/core/usecases/bury-job.ts";
import type { JobMessage } from "../../lambdas/core/rules/job.ts";
import { makeTelemetry } from "../../lambdas/middleware/telemetry.ts";
import { lambdaContext } from "../../lib/local/lambda-context.ts";
import { intercepted } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import {
  LEASE_MS,
  messageOf,
  recordingObserver,
  recordOf,
  startStage,
  testClock,
} from "../support/stage.ts";
import type { Stage } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);

const accept = () =>
  stage.accept({ destination: { url: receiver.url, method: "POST", timeoutMs: 10_000 } });

/** The dead-letter function, with what it sends back kept instead of sent. */
const undertaker = (clock = testClock()) => {
  const sent: { message: JobMessage; delayMs: number }[] = [];
  const observer = recordingObserver();
  const bury = makeBuryJob({
    store: stage.store,
    queue: {
      send: async (message, dueAtMs) => {
        sent.push({ message, delayMs: dueAtMs - clock.now() });
        await Promise.resolve();
      },
      withdraw: () => Promise.resolve(),
    },
    clock,
    chance: { fraction: () => 0, bytes: (count) => new Uint8Array(count) },
    observer,
  });
  return {
    sent,
    observer,
    bury: (message: JobMessage, ageMs = 0) => bury({ message, sentAtMs: Date.now() - ageMs }),
  };
};

describe("a message on the dead-letter queue", () => {
  it("of a job that nothing is wrong with is sent back, and its job delivered", async () => {
    const { id, message } = await accept();
    const { bury, sent } = undertaker();
    expect(await bury(message)).toEqual({ kind: "delete" });
    expect(sent).toEqual([{ message: { ...message, redrives: 1 }, delayMs: 5_000 }]);
    await stage.worker({})({ message: sent[0]?.message ?? message, sentAtMs: Date.now() });
    expect(await stage.store.read(id, Date.now())).toMatchObject({ state: "success", attempts: 1 });
  });

  it("of a job that is over changes nothing", async () => {
    const { id, message } = await accept();
    await stage.worker({})({ message, sentAtMs: Date.now() });
    const before = await stage.store.read(id, Date.now());
    const { bury, sent } = undertaker();
    expect(await bury(message)).toEqual({ kind: "delete" });
    expect(sent).toEqual([]);
    expect(await stage.store.read(id, Date.now())).toEqual(before);
  });

  it("is poison only when it came back for the fifth time, over more than a day", async () => {
    const { id, message } = await accept();
    const { bury, sent, observer } = undertaker();
    let current = message;
    for (let round = 1; round <= 4; round += 1) {
      await bury(current);
      current = sent.at(-1)?.message ?? current;
      expect(current.redrives).toBe(round);
    }
    const overMs = sent.reduce((sum, { delayMs }) => sum + delayMs, 0);
    expect(overMs).toBeGreaterThanOrEqual(24 * 3_600_000);
    expect(observer.events).toEqual([]);

    expect(await bury(current)).toEqual({ kind: "delete" });
    expect(observer.events).toEqual(["poisoned"]);
    expect(sent).toHaveLength(4);
    expect(await stage.store.read(id, Date.now())).toMatchObject({
      state: "dlq",
      attempts: 0,
      lastError: expect.stringMatching(/^outcome_unknown: /),
    });
    expect(receiver.of(id)).toHaveLength(0);
  });

  it("of a dead worker's attempt ends its lease", async () => {
    const { id, message } = await accept();
    const attempt = async () => Promise.reject(new Error("died"));
    await stage
      .worker({ attempt })({ message, sentAtMs: Date.now() })
      .catch(() => undefined);
    const live = undertaker();
    await live.bury(message);
    expect(live.sent[0]?.delayMs).toBeGreaterThan(LEASE_MS - 10_000);
    expect(live.sent[0]?.message.redrives).toBeUndefined();

    const later = testClock();
    later.advance(LEASE_MS + 1);
    const { bury, sent, observer } = undertaker(later);
    await bury(message);
    expect(observer.events).toEqual(["closed 1: retry"]);
    expect(sent[0]?.message).toEqual(messageOf(id, 2));
  });

  it("of a job that was never stored is given up after a minute", async () => {
    const { bury, sent } = undertaker();
    const message = messageOf("job_00000000000000000000000000");
    await bury(message, 10_000);
    expect(sent).toHaveLength(1);
    await bury(message, 60_000);
    expect(await stage.store.read(message.jobId, Date.now())).toMatchObject({ kind: "tombstone" });
  });
});

describe("a batch", () => {
  const telemetry = makeTelemetry("test", "CRITICAL");
  const deliver = (store = stage.store) => {
    const hidden: string[] = [];
    const handler = makeDeliver({
      telemetry,
      decode: decodeMessage,
      hide: async ({ messageId }) => {
        hidden.push(messageId);
        await Promise.resolve();
      },
      deliverJob: stage.worker({ store }),
    });
    return {
      hidden,
      handler: (records: ReturnType<typeof recordOf>[]) =>
        handler({ Records: records }, lambdaContext("deliver", 45_000)),
    };
  };

  it("reports each message on its own: one bad one does not bring nine good ones back", async () => {
    const jobs = await Promise.all(Array.from({ length: 10 }, accept));
    const unlucky = jobs[3]?.id;
    const store = new Proxy(stage.store, {
      get: (target, name: keyof Stage["store"]) =>
        name === "claim"
          ? (claim: Parameters<Stage["store"]["claim"]>[0]) =>
              claim.message.jobId === unlucky
                ? Promise.reject(new Error("throttled"))
                : target.claim(claim)
          : target[name],
    });
    const records = jobs.map(({ message, id }) => recordOf(message, id));
    const { batchItemFailures } = await deliver(store).handler(records);
    expect(batchItemFailures).toEqual([{ itemIdentifier: unlucky }]);
    expect(receiver.requests).toHaveLength(9);
    expect(
      (await deliver().handler([recordOf(messageOf(unlucky ?? ""))])).batchItemFailures,
    ).toEqual([]);
    expect(receiver.requests).toHaveLength(10);
  });

  it("deletes nothing when all failed, whatever was thrown", async () => {
    const { message } = await accept();
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const store = intercepted(stage.store, "claim", () => Promise.reject(undefined));
    const records = [recordOf(message), recordOf("not json"), recordOf(`{"id":1}`)];
    const { batchItemFailures } = await deliver(store).handler(records);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(
      records.map(({ messageId }) => messageId),
    );
  });

  it("hides a message that has to come back, and reports it", async () => {
    const { handler, hidden } = deliver();
    const record = recordOf(messageOf("job_0000000000000000000000000Z"));
    expect((await handler([record])).batchItemFailures).toEqual([
      { itemIdentifier: record.messageId },
    ]);
    expect(hidden).toEqual([record.messageId]);
  });

  it("carries ten slow attempts out side by side", async () => {
    const jobs = await Promise.all(Array.from({ length: 10 }, accept));
    let open = 0;
    let most = 0;
    receiver.answer(async (_, response) => {
      open += 1;
      most = Math.max(most, open);
      while (most < 10) await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
      response.writeHead(200).end();
    });
    const { batchItemFailures } = await deliver().handler(
      jobs.map(({ message }) => recordOf(message)),
    );
    expect(batchItemFailures).toEqual([]);
    expect(most).toBe(10);
  });

  it("of dead letters that nobody can read stays, to end on the parked queue", async () => {
    const handler = makeBury({
      telemetry,
      decode: decodeMessage,
      hide: () => Promise.resolve(),
      buryJob: () => Promise.resolve({ kind: "delete" }),
    });
    const { batchItemFailures } = await handler(
      { Records: [recordOf("poison", "p"), recordOf(messageOf("job_0"), "q")] },
      lambdaContext("bury", 45_000),
    );
    expect(batchItemFailures).toEqual([{ itemIdentifier: "p" }]);
  });
});
