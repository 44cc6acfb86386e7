import { describe, expect, it } from "vitest";
import { makeRetryJob } from "../../lambdas/core/usecases/retry-job.ts";
import { dying, freeze, intercepted } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import { LEASE_MS, messageOf, recordingObserver, startStage, testClock } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);

const accept = (more: object = {}) =>
  stage.accept({
    destination: { url: receiver.url, method: "POST", timeoutMs: 10_000 },
    retry: { kind: "schedule", delaysMs: [100] },
    ...more,
  });
const received = (message: ReturnType<typeof messageOf>) => ({ message, sentAtMs: Date.now() });
const jobAt = async (id: string, nowMs = Date.now()) => {
  const found = await stage.store.read(id, nowMs);
  if (found.kind !== "job") throw new Error(`${id} is ${found.kind}`);
  return found;
};

describe("a message delivered twice at once", () => {
  it("causes one attempt; the other worker lets go until the lease ends", async () => {
    const { id, message } = await accept();
    // Nothing is answered before the other worker has let go, or it would find the job over.
    const { promise: isLetGo, resolve: letGo } = Promise.withResolvers<void>();
    receiver.answer(async (_, response) => {
      await isLetGo;
      response.writeHead(200).end();
    });
    const kinds: string[] = [];
    const work = async () => {
      const { kind } = await stage.worker({})(received(message));
      kinds.push(kind);
      if (kind === "return") letGo();
    };
    await Promise.all([work(), work()]);
    expect(receiver.of(id)).toHaveLength(1);
    expect(kinds).toEqual(["return", "delete"]);
    expect((await jobAt(id)).state).toBe("success");
  });

  it("by twenty workers causes one attempt", async () => {
    const { id, message } = await accept();
    await Promise.all(Array.from({ length: 20 }, () => stage.worker({})(received(message))));
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("still ends if the first worker dies after the second has let go", async () => {
    const { id, message } = await accept();
    const frozen = freeze();
    const attempt = async () => {
      await frozen.reach();
      throw new Error("the worker died in the middle of its attempt");
    };
    const first = stage
      .worker({ attempt })(received(message))
      .catch((error: unknown) => error);
    await frozen.reached;

    const second = await stage.worker({})(received(message));
    expect(second.kind).toBe("return");
    expect(second.kind === "return" && second.afterMs).toBeGreaterThan(LEASE_MS - 5_000);
    frozen.thaw();
    expect(await first).toBeInstanceOf(Error);

    // The second worker's message comes back when the lease is over.
    const later = testClock();
    later.advance(LEASE_MS + 1);
    expect(await stage.worker({ clock: later })(received(message))).toEqual({ kind: "delete" });
    const [next] = await stage.takeMessages("normal", 3);
    expect(next).toEqual(messageOf(id, 2));
    later.advance(1_000);
    await stage.worker({ clock: later })(received(messageOf(id, 2)));
    expect(await jobAt(id)).toMatchObject({ state: "success", attempts: 2, closedAttempts: [1] });
  });
});

describe("a worker that dies between the HTTP call and the record", () => {
  it.each(["putFailedAttempt", "recordResult"] as const)(
    "before %s: the attempt counts, outcome unknown, and one more follows",
    async (method) => {
      const { id, message } = await accept();
      receiver.answerStatuses(500, 200);
      const store = dying(stage.store, method, "before");
      await expect(stage.worker({ store })(received(message))).rejects.toThrow(/died/);

      const later = testClock();
      later.advance(LEASE_MS + 1);
      const observer = recordingObserver();
      await stage.worker({ clock: later, observer })(received(message));
      expect(observer.events).toEqual(["closed 1: retry"]);
      await stage.takeMessages("normal", 3);
      later.advance(2_000);
      await stage.worker({ clock: later })(received(messageOf(id, 2)));

      const job = await jobAt(id);
      expect(job).toMatchObject({ state: "success", attempts: 2 });
      expect(await stage.store.listAttempts(job, 0, 10)).toMatchObject([
        { n: 1, status: "failed", error: expect.stringMatching(/^outcome_unknown: /) },
        { n: 2, status: "success" },
      ]);
      expect(receiver.of(id)).toHaveLength(2);
    },
  );

  it("never causes more than max_attempts requests", async () => {
    const { id, message } = await accept({ maxAttempts: 1 });
    const store = dying(stage.store, "recordResult", "before");
    await expect(stage.worker({ store })(received(message))).rejects.toThrow(/died/);
    const later = testClock();
    later.advance(LEASE_MS + 1);
    await stage.worker({ clock: later })(received(message));
    expect(await jobAt(id)).toMatchObject({ state: "dlq", attempts: 1 });
    // What the tests before have handed over may come still.
    const messages = await stage.takeMessages("normal");
    expect(messages.filter(({ jobId }) => jobId === id)).toEqual([]);
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("after the next message and before the result: that message ends the lease", async () => {
    const { id, message } = await accept();
    receiver.answerStatuses(500, 200);
    const store = dying(stage.store, "recordResult", "before");
    await expect(stage.worker({ store })(received(message))).rejects.toThrow(/died/);
    const [next] = await stage.takeMessages("normal", 3);
    expect(next).toEqual(messageOf(id, 2));

    const early = await stage.worker({})(received(messageOf(id, 2)));
    expect(early).toEqual({ kind: "return", afterMs: 1_000 });
    const later = testClock();
    later.advance(LEASE_MS + 1);
    expect(await stage.worker({ clock: later })(received(messageOf(id, 2)))).toEqual({
      kind: "delete",
    });
    expect(await stage.takeMessages("normal", 3)).toEqual([messageOf(id, 2)]);
    expect(await jobAt(id)).toMatchObject({ state: "waiting", attempts: 1 });
  });
});

describe("whatever hands over the next message does so before its write", () => {
  it.each(["before", "after"] as const)("a close that dies %s its write", async (when) => {
    const { id, message } = await accept();
    const attempt = async () => Promise.reject(new Error("died"));
    await expect(stage.worker({ attempt })(received(message))).rejects.toThrow("died");
    const later = testClock();
    later.advance(LEASE_MS + 1);
    const store = dying(stage.store, "close", when);
    await expect(stage.worker({ clock: later, store })(received(message))).rejects.toThrow(/died/);
    expect(await stage.takeMessages("normal", 3)).toEqual([messageOf(id, 2)]);
  });

  it.each(["before", "after"] as const)("a result that dies %s its write", async (when) => {
    const { id, message } = await accept();
    receiver.answerStatuses(500);
    const store = dying(stage.store, "recordResult", when);
    await expect(stage.worker({ store })(received(message))).rejects.toThrow(/died/);
    expect(await stage.takeMessages("normal", 3)).toEqual([messageOf(id, 2)]);
  });

  it.each(["before", "after"] as const)("a manual retry that dies %s its write", async (when) => {
    const { id, message } = await accept({ maxAttempts: 1 });
    receiver.answerStatuses(500);
    await stage.worker({})(received(message));
    const store = dying(stage.store, "retry", when);
    const retry = makeRetryJob({ store, queue: stage.queueFor(), clock: testClock() });
    await expect(retry(id, undefined)).rejects.toThrow(/died/);
    expect(await stage.takeMessages("normal", 3)).toEqual([messageOf(id, 1, 1)]);
  });
});

describe("a message that is older than ten days and has to come back", () => {
  it("is handed over anew, before its queue forgets it", async () => {
    const { id, message } = await accept();
    const frozen = freeze();
    const first = stage.worker({
      attempt: async () => {
        await frozen.reach();
        return { kind: "delivered", httpStatus: 200 };
      },
    })(received(message));
    await frozen.reached;
    const sent: number[] = [];
    const queue = {
      send: async (_: unknown, dueAtMs: number) => {
        sent.push(dueAtMs - Date.now());
        await Promise.resolve();
      },
      withdraw: () => Promise.resolve(),
    };
    const old = { message, sentAtMs: Date.now() - 11 * 24 * 3_600_000 };
    expect(await stage.worker({ queue })(old)).toEqual({ kind: "delete" });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toBeGreaterThan(LEASE_MS - 5_000);
    frozen.thaw();
    await first;
    expect(await jobAt(id)).toMatchObject({ state: "success" });
  });
});

describe("a worker that wakes up after its lease", () => {
  it.each([
    [200, "recordResult"],
    [500, "recordResult"],
    [500, "putFailedAttempt"],
  ] as const)("changes nothing, whatever it saw (%i, frozen at %s)", async (status, frozenAt) => {
    const { id, message } = await accept();
    receiver.answerStatuses(status);
    const frozen = freeze();
    const store = intercepted(stage.store, frozenAt, async (call) => {
      await frozen.reach();
      return call();
    });
    const observer = recordingObserver();
    const late = stage.worker({ store, observer })(received(message));
    await frozen.reached;

    const later = testClock();
    later.advance(LEASE_MS + 1);
    await stage.worker({ clock: later })(received(message));
    const closed = await jobAt(id);
    expect(closed).toMatchObject({ state: "waiting", attempts: 1 });

    frozen.thaw();
    expect(await late).toEqual({ kind: "delete" });
    expect(observer.events).toEqual(["came too late 1"]);
    expect(await jobAt(id)).toEqual(closed);
    expect(await stage.store.listAttempts(closed, 0, 10)).toMatchObject([
      { n: 1, error: expect.stringMatching(/^outcome_unknown/) },
    ]);
    await stage.takeMessages("normal", 3);
  });

  it("starts no request when too little of its lease is left", async () => {
    const { id, message } = await accept();
    const clock = testClock();
    const store = intercepted(stage.store, "readContent", async (call) => {
      clock.advance(LEASE_MS - 11_000);
      return call();
    });
    const verdict = await stage.worker({ clock, store })(received(message));
    expect(verdict).toMatchObject({ kind: "return" });
    expect(receiver.of(id)).toHaveLength(0);
    expect(await jobAt(id)).toMatchObject({ state: "processing", attempts: 1 });
  });
});

describe("a message that is early, late, or of another life", () => {
  it("is sent on for the time left when its job is not due", async () => {
    const dueAtMs = Date.now() + 60_000;
    const { id } = await accept({ executeAtMs: dueAtMs });
    const sent: number[] = [];
    const queue = {
      send: async (_: unknown, sentForMs: number) => {
        sent.push(sentForMs);
        await Promise.resolve();
      },
      withdraw: () => Promise.resolve(),
    };
    expect(await stage.worker({ queue })(received(messageOf(id)))).toEqual({ kind: "delete" });
    expect(sent).toEqual([dueAtMs]);
    expect(receiver.of(id)).toHaveLength(0);
  });

  it("of an attempt that is over is deleted", async () => {
    const { id, message } = await accept();
    await stage.worker({})(received(message));
    expect(await stage.worker({})(received(message))).toEqual({ kind: "delete" });
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("of a generation to come is returned, and after a minute fenced", async () => {
    const { id } = await accept({ executeAtMs: Date.now() + 60_000 });
    const message = messageOf(id, 1, 7);
    expect(await stage.worker({})(received(message))).toEqual({ kind: "return", afterMs: 1_000 });
    const observer = recordingObserver();
    const old = { message, sentAtMs: Date.now() - 60_000 };
    expect(await stage.worker({ observer })(old)).toEqual({ kind: "delete" });
    expect(observer.events).toEqual(["gave up: unknown_generation"]);
    expect(await jobAt(id)).toMatchObject({ state: "waiting", fenced: 7 });
  });
});
