import { expect } from "vitest";
import type { JobStore } from "../../lambdas/core/ports.ts";
import type { Job } from "../../lambdas/core/rules/job.ts";
import type { State } from "./describe-conformance.ts";
import { aNewJob, createCall, NOW_MS, pointsOn, smallContent, stepsOn } from "./stored-jobs.ts";

const HOUR_MS = 3_600_000;

/** A dedupe key is held with its job, both or neither; and pointers from other jobs' ids. */
export const stateDedupe = (state: State, store: () => JobStore): void => {
  const create = (job: Job, more = {}) => store().create(job, smallContent, createCall(more));
  const holder = async ({ tenantId }: Job, key = "k", nowMs = NOW_MS) =>
    (await store().findHold(tenantId, key, nowMs))?.jobId;
  const pointTo = pointsOn(store);
  const created = { kind: "created" } as const;
  /** Two jobs of one tenant with one key. */
  const twoJobs = (dedupeKey = "k") => {
    const first = aNewJob({ dedupeKey });
    return [first, aNewJob({ dedupeKey, tenantId: first.tenantId })] as const;
  };

  state("holds a job's dedupe key until its window ends", async () => {
    const [job] = twoJobs();
    expect(await holder(job)).toBeUndefined();
    expect(await create(job)).toEqual(created);
    expect(await holder(job)).toBe(job.id);
    expect(await holder(job, "k", NOW_MS + HOUR_MS - 1)).toBe(job.id);
    expect(await holder(job, "k", NOW_MS + HOUR_MS)).toBeUndefined();
    expect(await store().read(job.id, NOW_MS)).toEqual(job);
  });

  state("answers a second job of one key with the first, and puts nothing", async () => {
    const [first, second] = twoJobs("é".repeat(256));
    expect(await create(first)).toEqual(created);
    expect(await create(second)).toEqual({ kind: "deduplicated", by: first.id });
    expect(await store().read(second.id, NOW_MS)).toEqual({ kind: "absent" });
  });

  state("takes no hold for a job whose id is taken", async () => {
    const job = await stepsOn(store()).create();
    const second = aNewJob({ id: job.id, tenantId: job.tenantId, dedupeKey: "k" });
    expect(await create(second)).toEqual({ kind: "refused", found: job });
    expect(await holder(job)).toBeUndefined();
  });

  state("lets one of many jobs of one key win that are put at once", async () => {
    const { tenantId } = aNewJob();
    const jobs = Array.from({ length: 6 }, () => aNewJob({ tenantId, dedupeKey: "k" }));
    const outcomes = await Promise.all(jobs.map((job) => create(job)));
    const winners = jobs.filter((_, index) => outcomes[index]?.kind === "created");
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes.filter(({ kind }) => kind !== "created")) {
      expect(outcome).toEqual({ kind: "deduplicated", by: winners[0]?.id });
    }
  });

  state("gives the key to the next job when its window has ended", async () => {
    const [first, second] = twoJobs();
    await create(first, { dedupeUntilMs: NOW_MS });
    expect(await create(second)).toEqual(created);
    expect(await holder(first)).toBe(second.id);
  });

  state("gives the key to the next job when its holder is known to be forgotten", async () => {
    const [first, second] = twoJobs();
    await create(first);
    const seen = { jobId: first.id, untilMs: NOW_MS + HOUR_MS };
    // Another job's hold, and a later one of a job that has the same id again.
    for (const other of [{ jobId: "job_other" }, { untilMs: seen.untilMs - 1 }]) {
      const outcome = await create(second, { forgottenHolder: { ...seen, ...other } });
      expect(outcome.kind).toBe("deduplicated");
    }
    expect(await create(second, { forgottenHolder: seen })).toEqual(created);
    expect(await holder(first)).toBe(second.id);
  });

  state("holds a key for one tenant, not for another", async () => {
    const [first] = twoJobs();
    await create(first);
    expect(await create(aNewJob({ dedupeKey: "k" }))).toEqual(created);
  });

  state("lets a key go with its cancelled job", async () => {
    const [first, second] = twoJobs();
    await create(first);
    expect(await store().cancel(first, NOW_MS)).toEqual({ kind: "cancelled" });
    expect(await holder(first)).toBeUndefined();
    expect(await create(second)).toEqual(created);
  });

  state("keeps a key for its next holder when the one before is cancelled", async () => {
    const [first, second] = twoJobs();
    await create(first, { dedupeUntilMs: NOW_MS });
    await create(second);
    expect(await store().cancel(first, NOW_MS)).toEqual({ kind: "cancelled" });
    expect(await holder(first)).toBe(second.id);
  });

  state("keeps the key of a job that can no longer be cancelled", async () => {
    const [job] = twoJobs();
    await create(job);
    await stepsOn(store()).claimed(job);
    expect((await store().cancel(job, NOW_MS)).kind).toBe("refused");
    expect(await holder(job)).toBe(job.id);
  });

  state(
    "leaves a pointer where nothing stands, which refuses jobs and other pointers",
    async () => {
      const job = aNewJob();
      const { requestHash } = job;
      const pointer = { kind: "pointer", jobId: "job_first", createdAtMs: 7, requestHash };
      expect(await pointTo("job_first", job)).toEqual({ kind: "put" });
      expect(await store().read(job.id, NOW_MS)).toEqual(pointer);
      expect(await pointTo("job_second", job)).toEqual({ kind: "refused", found: pointer });
      const otherBody = { ...job, requestHash: "ff".repeat(32) };
      expect(await pointTo("job_first", otherBody)).toEqual({ kind: "refused", found: pointer });
      expect(await create(job)).toEqual({ kind: "refused", found: pointer });
      const later = { jobId: "job_first", createdAtMs: 8 };
      expect((await create(job, { forgottenTarget: later })).kind).toBe("refused");
      const elsewhere = await create(job, {
        forgottenTarget: { jobId: "job_second", createdAtMs: 7 },
      });
      expect(elsewhere).toEqual({ kind: "refused", found: pointer });
    },
  );

  state("puts a job in place of a pointer to a job that is forgotten", async () => {
    const job = aNewJob();
    await pointTo("job_first", job);
    expect(await create(job, { forgottenTarget: { jobId: "job_first", createdAtMs: 7 } })).toEqual(
      created,
    );
    expect(await store().read(job.id, NOW_MS)).toEqual(job);
  });

  state("leaves no pointer over a job", async () => {
    const job = await stepsOn(store()).create();
    expect(await pointTo("job_first", job)).toEqual({ kind: "refused", found: job });
  });

  state(
    "leads elsewhere from a pointer to a job that is forgotten, and from no other",
    async () => {
      const job = aNewJob();
      await pointTo("job_first", job);
      expect((await pointTo("job_second", job, "job_other")).kind).toBe("refused");
      expect(await pointTo("job_second", job, "job_first")).toEqual({ kind: "put" });
      expect(await store().read(job.id, NOW_MS)).toMatchObject({ jobId: "job_second" });
    },
  );
};
