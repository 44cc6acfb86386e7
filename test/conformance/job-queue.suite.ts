import { expect } from "vitest";
import type { JobQueue } from "../../lambdas/core/ports.ts";
import type { JobMessage, Priority } from "../../lambdas/core/rules/job.ts";
import { describeConformance } from "./describe-conformance.ts";

/** A message as it was received, by the clock of the queue. */
export interface ReceivedMessage {
  readonly message: JobMessage;
  readonly atMs: number;
  readonly delete: () => Promise<void>;
  /** Makes it visible to others again, at once. */
  readonly giveBack: () => Promise<void>;
}

/** A queue with the ends that the port leaves out. */
export interface JobQueueStage {
  readonly queue: JobQueue;
  /** The clock that the queue goes by. A simulated one may move on only while somebody receives. */
  readonly now: () => number;
  /** The next message of a priority, or `undefined` if none comes in time. */
  readonly receive: (from: Priority, withinMs: number) => Promise<ReceivedMessage | undefined>;
}

const HOUR_MS = 3_600_000;
/** A queue counts in seconds, and whoever waits for it is on a busy machine. */
const LATE_MS = 1_000 + 1_000;
const SOON_MS = 1_000;

/**
 * What every `JobQueue` does.
 *
 * @param make a stage of a test's own, with empty queues
 */
export const describeJobQueue = (what: string, make: () => Promise<JobQueueStage>): void => {
  describeConformance("JobQueue", what, (state) => {
    const aMessage = (jobId: string, more: Partial<JobMessage> = {}): JobMessage => ({
      jobId,
      priority: "normal",
      generation: 0,
      attempt: 1,
      destinationKey: "t1#AAAAAAAAAAAAAAAA",
      ...more,
    });
    const next = async (
      { receive }: JobQueueStage,
      from: Priority = "normal",
      withinMs = 5_000,
    ) => {
      const received = await receive(from, withinMs);
      if (received === undefined) throw new Error(`no message came within ${withinMs} ms`);
      return received;
    };

    state("delivers a message as it was sent", async () => {
      const stage = await make();
      const messages = [
        aMessage("job_a"),
        aMessage("job_b", { generation: 3, attempt: 50 }),
        aMessage("job_c", { notBeforeMs: stage.now(), redrives: 2 }),
      ];
      for (const message of messages) {
        await stage.queue.send(message, 0);
        const received = await next(stage);
        expect(received.message).toEqual(message);
        await received.delete();
      }
    });

    state("delivers at once what is due already", async () => {
      const stage = await make();
      for (const dueAtMs of [0, stage.now() - HOUR_MS, stage.now()]) {
        const sentAtMs = stage.now();
        await stage.queue.send(aMessage("job_a"), dueAtMs);
        const { atMs, delete: remove } = await next(stage);
        expect(atMs - sentAtMs).toBeLessThan(LATE_MS);
        await remove();
      }
    });

    for (const aheadMs of [300, 1_000, 2_500]) {
      state(`delivers a message that is due in ${aheadMs} ms then, and never before`, async () => {
        const stage = await make();
        const dueAtMs = stage.now() + aheadMs;
        await stage.queue.send(aMessage("job_a"), dueAtMs);
        const { atMs } = await next(stage);
        expect(atMs).toBeGreaterThanOrEqual(dueAtMs);
        expect(atMs).toBeLessThan(dueAtMs + LATE_MS);
      });
    }

    state("keeps what is due in an hour, or in a year", async () => {
      const stage = await make();
      await stage.queue.send(aMessage("job_a"), stage.now() + HOUR_MS);
      await stage.queue.send(aMessage("job_b"), stage.now() + 365 * 24 * HOUR_MS);
      expect(await stage.receive("normal", SOON_MS)).toBeUndefined();
    });

    state("lets what is due overtake what was sent before it", async () => {
      const stage = await make();
      await stage.queue.send(aMessage("job_late"), stage.now() + 1_500);
      await stage.queue.send(aMessage("job_now"), 0);
      const first = await next(stage);
      await first.delete();
      const second = await next(stage);
      expect([first.message.jobId, second.message.jobId]).toEqual(["job_now", "job_late"]);
    });

    state("carries each priority on a queue of its own", async () => {
      const stage = await make();
      const priorities = ["low", "high", "normal"] as const;
      for (const priority of priorities)
        await stage.queue.send(aMessage(`job_${priority}`, { priority }), 0);
      for (const priority of priorities) {
        const received = await next(stage, priority);
        expect(received.message).toEqual(aMessage(`job_${priority}`, { priority }));
        await received.delete();
        expect(await stage.receive(priority, 0)).toBeUndefined();
      }
    });

    state("delivers a message again until it is deleted, and then no more", async () => {
      const stage = await make();
      await stage.queue.send(aMessage("job_a"), 0);
      for (let times = 0; times < 2; times += 1) {
        const received = await next(stage);
        expect(received.message).toEqual(aMessage("job_a"));
        await received.giveBack();
      }
      const last = await next(stage);
      await last.delete();
      expect(await stage.receive("normal", SOON_MS)).toBeUndefined();
    });

    state("shows a message to one receiver at a time", async () => {
      const stage = await make();
      await stage.queue.send(aMessage("job_a"), 0);
      await next(stage);
      expect(await stage.receive("normal", SOON_MS)).toBeUndefined();
    });

    state("delivers every one of many messages that are sent in one breath", async () => {
      const stage = await make();
      const ids = Array.from({ length: 25 }, (_, n) => `job_${n}`);
      await Promise.all(ids.map((id) => stage.queue.send(aMessage(id), 0)));
      const seen = new Set<string>();
      while (seen.size < ids.length) {
        const received = await next(stage);
        seen.add(received.message.jobId);
        await received.delete();
      }
      expect([...seen].toSorted()).toEqual(ids.toSorted());
    });

    state("delivers the others when one is withdrawn, and rejects no withdrawal", async () => {
      const stage = await make();
      const dueAtMs = stage.now() + 1_000;
      await stage.queue.send(aMessage("job_a"), dueAtMs);
      await stage.queue.send(aMessage("job_b"), dueAtMs);
      await stage.queue.withdraw(aMessage("job_a"), dueAtMs);
      await stage.queue.withdraw(aMessage("job_a"), dueAtMs);
      await stage.queue.withdraw(aMessage("job_never_sent"), stage.now() + HOUR_MS);
      const seen = new Set<string>();
      while (!seen.has("job_b")) {
        // Best effort: the withdrawn one may come, and the table will judge it.
        const received = await next(stage);
        seen.add(received.message.jobId);
        await received.delete();
      }
      expect(["job_b", "job_a,job_b"]).toContain([...seen].toSorted().join());
    });
  });
};
