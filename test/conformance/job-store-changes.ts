import { expect } from "vitest";
import type { AttemptResult, JobStore } from "../../lambdas/core/ports.ts";
import type { Job } from "../../lambdas/core/rules/job.ts";
import type { State } from "./describe-conformance.ts";
import {
  failedAttempt,
  NOW_MS,
  SECOND_MS,
  smallContent,
  stepsOn,
  succeeded,
  successfulAttempt,
} from "./stored-jobs.ts";

const retrying: AttemptResult = { kind: "retry", attempt: failedAttempt(1), dueAtMs: NOW_MS };
const inDlq: AttemptResult = { kind: "dlq", attempt: failedAttempt(1) };
const inFailed: AttemptResult = { kind: "failed", attempt: failedAttempt(1) };

/** What a caller changes about a job: cancel, and manual retry. And what gives it up. */
export const stateChanges = (state: State, store: () => JobStore): void => {
  const steps = () => stepsOn(store());
  const retry = (job: Job, generation = job.generation + 1, retryKey?: string) =>
    store().retry(job, { generation, retryKey }, NOW_MS);
  const retried = { kind: "retried" } as const;

  state("cancels a job that waits, due or not, for its first attempt or a later one", async () => {
    const waiting = [
      await steps().create(),
      await steps().create({ dueAtMs: NOW_MS + SECOND_MS }),
      await steps().through([retrying]),
    ];
    for (const job of waiting) {
      expect(await store().cancel(job, NOW_MS)).toEqual({ kind: "cancelled" });
      const found = await steps().read(job);
      expect(found).toMatchObject({ state: "cancelled", attempts: job.attempts });
      expect(found.expiresAtMs).toBeGreaterThan(NOW_MS);
      expect(await steps().claim(job, job.attempts + 1)).toEqual({ kind: "refused", found });
    }
  });

  state("cancels no job that is under way or over", async () => {
    const others = [
      await steps().claimed(await steps().create()),
      await steps().through([succeeded(1)]),
      await steps().through([inDlq]),
    ];
    for (const job of others) {
      expect(await store().cancel(job, NOW_MS)).toEqual({ kind: "refused", found: job });
      expect(await steps().read(job)).toEqual(job);
    }
  });

  state("lets either a cancel or a claim have a job, never both", async () => {
    for (let round = 0; round < 5; round += 1) {
      const job = await steps().create();
      const [cancelled, claimed] = await Promise.all([
        store().cancel(job, NOW_MS),
        steps().claim(job),
      ]);
      const { state: found } = await steps().read(job);
      expect([cancelled.kind, claimed.kind, found]).toEqual(
        found === "cancelled"
          ? ["cancelled", "refused", "cancelled"]
          : ["refused", "claimed", "processing"],
      );
    }
  });

  for (const [name, result] of [
    ["failed", inFailed],
    ["dlq", inDlq],
  ] as const) {
    // prettier-ignore
    state(`retries a job that is ${name}, in a generation of its own`, async () => {
      const job = await steps().through([retrying, { ...result, attempt: failedAttempt(2) }]);
      expect(await retry(job, 1, "digest")).toEqual(retried);
      const found = await steps().read(job);
      expect(found).toMatchObject({
        state: "waiting",
        generation: 1,
        attempts: 0,
        earlierAttempts: 2,
        dueAtMs: 0,
        expiresAtMs: null,
        retryKeys: ["digest"],
      });
      expect((await steps().claim(job, 3)).kind).toBe("refused");
      expect((await steps().claim(job, 1)).kind).toBe("refused");
      expect((await steps().claim(job, 1, "worker", 1)).kind).toBe("claimed");
    });
  }

  state("goes on counting attempts over manual retries, and keeps the old ones", async () => {
    const job = await steps().through([inDlq]);
    await retry(job);
    const running = await steps().claimed(job, 1, "worker", 1);
    expect(await store().listAttempts(running, 0, 10)).toEqual([failedAttempt(1)]);
    await store().recordResult(running, "worker", succeeded(2), NOW_MS);
    const found = await steps().read(job);
    expect(await store().listAttempts(found, 0, 10)).toEqual([
      failedAttempt(1),
      successfulAttempt(2),
    ]);
  });

  state("keeps the content of a job that is retried", async () => {
    const large = { body: Buffer.alloc(5_000, "é"), headers: [["a", "b"]] as const };
    for (const content of [smallContent, large]) {
      const job = await steps().create({}, content);
      const running = await steps().claimed(job);
      await store().recordResult(running, "worker", inFailed, NOW_MS);
      expect(await retry(await steps().read(job))).toEqual(retried);
      const found = await store().readWithContent(job.id, NOW_MS);
      expect(Buffer.from(found?.content.body ?? []).equals(content.body ?? Buffer.of())).toBe(true);
      expect(found?.content.headers).toEqual(content.headers);
    }
  });

  state("retries a job that was given up before its first attempt", async () => {
    const job = await steps().create();
    await store().giveUp(job, "poison", NOW_MS);
    expect(await retry(await steps().read(job))).toEqual(retried);
    expect((await steps().claim(job, 1, "worker", 1)).kind).toBe("claimed");
  });

  state("retries no job that waits, is under way, succeeded or was cancelled", async () => {
    const cancelled = await steps().create();
    await store().cancel(cancelled, NOW_MS);
    const others = [
      await steps().create(),
      await steps().claimed(await steps().create()),
      await steps().through([succeeded(1)]),
      await steps().read(cancelled),
    ];
    for (const job of others) {
      expect(await retry(job)).toEqual({ kind: "refused", found: job });
      expect(await steps().read(job)).toEqual(job);
    }
  });

  state("retries a job once for all that ask at once", async () => {
    const job = await steps().through([inFailed]);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => retry(job)));
    expect(outcomes.filter(({ kind }) => kind === "retried")).toHaveLength(1);
    expect((await steps().read(job)).generation).toBe(1);
  });

  state("retries a job into no generation whose messages were given up", async () => {
    const job = await steps().through([inFailed]);
    expect(await store().fence(job.id, 1, NOW_MS)).toEqual({ kind: "fenced" });
    const fenced = await steps().read(job);
    expect(fenced).toEqual({ ...job, fenced: 1 });
    expect(await retry(job, 1)).toEqual({ kind: "refused", found: fenced });
    expect(await retry(job, 2)).toEqual(retried);
    expect((await steps().read(job)).generation).toBe(2);
  });

  state("fences a generation that the job has not reached, and no lower one", async () => {
    const job = await steps().through([inFailed]);
    const fenced = { kind: "fenced" } as const;
    expect(await store().fence(job.id, 2, NOW_MS)).toEqual(fenced);
    expect(await store().fence(job.id, 1, NOW_MS)).toEqual(fenced);
    expect((await steps().read(job)).fenced).toBe(2);
    const reached = await store().fence(job.id, 0, NOW_MS);
    expect(reached.kind).toBe("fenced");
    await retry(job, 3);
    const found = await steps().read(job);
    expect(await store().fence(job.id, 3, NOW_MS)).toEqual({ kind: "refused", found });
  });

  state("gives up a job that waits and is due, in the state that was seen", async () => {
    const job = await steps().create();
    const stale = { ...job, attempts: 1 };
    expect(await store().giveUp(stale, "poison", NOW_MS)).toEqual({ kind: "refused", found: job });
    expect(await store().giveUp(job, "poison", NOW_MS)).toEqual({ kind: "given_up" });
    expect(await steps().read(job)).toMatchObject({ state: "dlq", lastError: "poison" });
  });

  state("gives up no job that is not due, nor one that is under way", async () => {
    const early = await steps().create({ dueAtMs: NOW_MS + 1 });
    expect(await store().giveUp(early, "poison", NOW_MS)).toEqual({
      kind: "refused",
      found: early,
    });
    const running = await steps().claimed(await steps().create());
    const waiting = { ...running, state: "waiting", attempts: 0 } as const;
    expect(await store().giveUp(waiting, "poison", NOW_MS)).toEqual({
      kind: "refused",
      found: running,
    });
  });
};
