import { expect } from "vitest";
import type { FailedResult, JobStore } from "../../lambdas/core/ports.ts";
import type { State } from "./describe-conformance.ts";
import {
  aNewJob,
  failedAttempt,
  LEASE_MS,
  messageAt,
  NOW_MS,
  SECOND_MS,
  stepsOn,
  succeeded,
  successfulAttempt,
} from "./stored-jobs.ts";

const LEASE_ENDS_MS = NOW_MS + LEASE_MS;

const retrying = (n: number, dueAtMs = NOW_MS): FailedResult => ({
  kind: "retry",
  attempt: failedAttempt(n),
  dueAtMs,
});
const unknown = (n: number): FailedResult => ({
  kind: "retry",
  attempt: { ...failedAttempt(n, "outcome_unknown: lost"), httpStatus: null },
  dueAtMs: LEASE_ENDS_MS,
});

/** Claims, their ends, and what is on record of them. */
export const stateAttempts = (state: State, store: () => JobStore): void => {
  const steps = () => stepsOn(store());
  const attemptsOf = async (id: string, afterN = 0, limit = 100) => {
    const job = await store().read(id, NOW_MS);
    if (job.kind !== "job") throw new Error(`it is ${job.kind}`);
    return store().listAttempts(job, afterN, limit);
  };

  state("gives a job that is due to whoever asks for its next attempt", async () => {
    const job = await steps().create();
    const claimed = await steps().claimed(job);
    const lease = { token: "worker", claimedAtMs: NOW_MS, untilMs: LEASE_ENDS_MS };
    expect(claimed).toEqual({ ...job, state: "processing", attempts: 1, lease });
    expect(await steps().read(job)).toEqual(claimed);
  });

  state("gives no job before it is due", async () => {
    const job = await steps().create({ dueAtMs: NOW_MS + 5 });
    const claim = (nowMs: number) =>
      store().claim({
        message: messageAt(job, 1),
        nowMs,
        leaseUntilMs: nowMs + LEASE_MS,
        token: "worker",
      });
    expect(await claim(NOW_MS + 4)).toEqual({ kind: "refused", found: job });
    expect((await claim(NOW_MS + 5)).kind).toBe("claimed");
  });

  state("gives no job to a message of another attempt or generation", async () => {
    const job = await steps().create();
    for (const [attempt, generation] of [
      [2, 0],
      [1, 1],
      [0, 0],
    ] as const) {
      // prettier-ignore
      const refused = await steps().claim(job, attempt, "worker", generation);
      expect(refused).toEqual({ kind: "refused", found: job });
    }
    expect(await steps().read(job)).toEqual(job);
  });

  state("gives no job twice, nor one that is over, nor what is no job", async () => {
    const running = await steps().claimed(await steps().create());
    expect(await steps().claim(running, 1, "second")).toEqual({ kind: "refused", found: running });
    expect((await steps().claim(running, 2, "second")).kind).toBe("refused");
    const over = await steps().through([succeeded(1)]);
    expect(await steps().claim(over, 2)).toEqual({ kind: "refused", found: over });
    const nothing = await steps().claim(aNewJob());
    expect(nothing).toEqual({ kind: "refused", found: { kind: "absent" } });
  });

  state("gives a job to one of many that ask at once", async () => {
    const job = await steps().create();
    const tokens = Array.from({ length: 10 }, (_, n) => `worker-${n}`);
    const outcomes = await Promise.all(tokens.map((token) => steps().claim(job, 1, token)));
    const winners = tokens.filter((_, index) => outcomes[index]?.kind === "claimed");
    expect(winners).toHaveLength(1);
    expect((await steps().read(job)).lease?.token).toBe(winners[0]);
  });

  state(
    "takes a claim back whose attempt was not begun, and gives it to the next who asks",
    async () => {
      const job = await steps().through([retrying(1)]);
      const running = await steps().claimed(job, 2);
      expect(await store().release(running, "worker", NOW_MS)).toEqual({ kind: "released" });
      expect(await steps().read(job)).toEqual(job);
      expect(await attemptsOf(job.id)).toEqual([failedAttempt(1)]);
      expect((await steps().claim(job, 3)).kind).toBe("refused");
      expect(await steps().claimed(job, 2, "second")).toMatchObject({ attempts: 2 });
    },
  );

  state("takes back no claim of somebody else's, nor one that is over", async () => {
    const running = await steps().claimed(await steps().create());
    const refused = await store().release(running, "another", NOW_MS);
    expect(refused).toEqual({ kind: "refused", found: running });
    await store().close(running, unknown(1), LEASE_ENDS_MS);
    expect((await store().release(running, "worker", LEASE_ENDS_MS)).kind).toBe("refused");
    expect(await steps().read(running)).toMatchObject({ state: "waiting", attempts: 1 });
  });

  state("ends a job with its success, which is its last attempt", async () => {
    const job = await steps().through([retrying(1), succeeded(2)]);
    expect(job).toMatchObject({ state: "success", attempts: 2, lease: null, lastError: null });
    expect(job.success).toEqual({
      startedAtMs: NOW_MS + 2,
      finishedAtMs: NOW_MS + 7,
      httpStatus: 204,
    });
    expect(job.expiresAtMs).toBeGreaterThan(NOW_MS);
    expect(await attemptsOf(job.id)).toEqual([failedAttempt(1), successfulAttempt(2)]);
  });

  state("lets a job wait for its next attempt, at its time", async () => {
    const job = await steps().through([retrying(1, NOW_MS + SECOND_MS)]);
    expect(job).toMatchObject({
      state: "waiting",
      attempts: 1,
      dueAtMs: NOW_MS + SECOND_MS,
      lease: null,
      lastError: "reset: gone",
      expiresAtMs: null,
    });
    expect((await steps().claim(job, 1)).kind).toBe("refused");
    expect((await steps().claim(job, 2)).kind).toBe("refused");
    const due = await store().claim({
      message: messageAt(job, 2),
      nowMs: NOW_MS + SECOND_MS,
      leaseUntilMs: LEASE_ENDS_MS,
      token: "worker",
    });
    expect(due.kind).toBe("claimed");
  });

  for (const kind of ["failed", "dlq"] as const) {
    state(`ends a job as ${kind}`, async () => {
      const job = await steps().through([{ kind, attempt: failedAttempt(1) }]);
      expect(job).toMatchObject({
        state: kind,
        attempts: 1,
        lease: null,
        lastError: "reset: gone",
      });
      expect(job.expiresAtMs).toBeGreaterThan(NOW_MS);
    });
  }

  state("takes a result from the claim that holds the job alone, and once", async () => {
    const job = await steps().create();
    const running = await steps().claimed(job);
    const record = (token: string) => store().recordResult(running, token, succeeded(1), NOW_MS);
    expect(await record("another")).toEqual({ kind: "refused", found: running });
    expect(await record("worker")).toEqual({ kind: "recorded" });
    const found = await steps().read(job);
    expect(await record("worker")).toEqual({ kind: "refused", found });
  });

  state("closes an attempt when its lease is over, not before, and once", async () => {
    const running = await steps().claimed(await steps().create());
    const close = (nowMs: number) => store().close(running, unknown(1), nowMs);
    const early = await close(LEASE_ENDS_MS - 1);
    expect(early).toEqual({ kind: "refused", found: running });
    expect(await close(LEASE_ENDS_MS)).toEqual({ kind: "closed" });
    const closed = await steps().read(running);
    expect(closed).toMatchObject({
      state: "waiting",
      attempts: 1,
      lease: null,
      dueAtMs: LEASE_ENDS_MS,
      closedAttempts: [1],
      lastError: "outcome_unknown: lost",
    });
    expect(await close(LEASE_ENDS_MS)).toEqual({ kind: "refused", found: closed });
  });

  state("takes nothing from a late worker, whatever came after it", async () => {
    const running = await steps().claimed(await steps().create());
    await store().close(running, { ...unknown(1), dueAtMs: NOW_MS } as FailedResult, LEASE_ENDS_MS);
    const late = () => store().recordResult(running, "worker", succeeded(1), LEASE_ENDS_MS);
    expect((await late()).kind).toBe("refused");
    const second = await steps().claimed(running, 2, "second");
    expect(await late()).toEqual({ kind: "refused", found: second });
    expect(await store().close(running, unknown(1), LEASE_ENDS_MS)).toEqual({
      kind: "refused",
      found: second,
    });
    expect(await steps().read(running)).toEqual(second);
  });

  state("shows an attempt only once its job counts it", async () => {
    const running = await steps().claimed(await steps().create());
    await store().putFailedAttempt(running, failedAttempt(1), "result");
    expect(await attemptsOf(running.id)).toEqual([]);
    await store().recordResult(running, "worker", retrying(1), NOW_MS);
    expect(await attemptsOf(running.id)).toEqual([failedAttempt(1)]);
  });

  state("shows a closed attempt as it was closed, whatever its worker wrote", async () => {
    const running = await steps().claimed(await steps().create());
    const closing = unknown(1);
    await store().putFailedAttempt(running, closing.attempt, "closed");
    await store().close(running, closing, LEASE_ENDS_MS);
    await store().putFailedAttempt(running, failedAttempt(1), "result");
    expect(await attemptsOf(running.id)).toEqual([closing.attempt]);
  });

  state("shows an attempt as its worker wrote it, whatever a closer wrote who lost", async () => {
    const running = await steps().claimed(await steps().create());
    await store().putFailedAttempt(running, unknown(1).attempt, "closed");
    await store().putFailedAttempt(running, failedAttempt(1), "result");
    await store().recordResult(running, "worker", retrying(1), NOW_MS);
    expect(await attemptsOf(running.id)).toEqual([failedAttempt(1)]);
  });

  state("lists attempts in their order, in pages", async () => {
    const results = [1, 2, 3, 4].map((n) => retrying(n));
    const job = await steps().through([...results, succeeded(5)]);
    const all = [1, 2, 3, 4].map((n) => failedAttempt(n));
    expect(await attemptsOf(job.id, 0, 2)).toEqual(all.slice(0, 2));
    expect(await attemptsOf(job.id, 2, 2)).toEqual(all.slice(2));
    expect(await attemptsOf(job.id, 4, 2)).toEqual([successfulAttempt(5)]);
    expect(await attemptsOf(job.id, 5, 2)).toEqual([]);
  });
};
