import { beforeAll, expect } from "vitest";
import type { AttentionClass } from "../../lambdas/core/ports.ts";
import type { Job } from "../../lambdas/core/rules/job.ts";
import { eventually } from "../support/eventually.ts";
import { describeConformance } from "./describe-conformance.ts";
import { aNewJob, failedAttempt, NOW_MS, stepsOn, succeeded } from "./stored-jobs.ts";
import type { JobStorage } from "./stored-jobs.ts";

const HOUR_MS = 3_600_000;

/** What every `JobList` does, over the store that it lists. */
export const describeJobList = (what: string, make: () => Promise<JobStorage>): void => {
  describeConformance("JobList", what, (state) => {
    let storage: JobStorage;
    beforeAll(async () => {
      storage = await make();
    });
    const steps = () => stepsOn(storage.store);
    const page = (
      tenantId: string,
      more: Partial<Parameters<JobStorage["list"]["page"]>[0]> = {},
    ) =>
      storage.list.page({
        tenantId,
        attention: undefined,
        before: undefined,
        limit: 100,
        nowMs: NOW_MS,
        ...more,
      });
    const idsOf = ({ jobs }: Awaited<ReturnType<typeof page>>) => jobs.map(({ job }) => job.id);
    /** An index may lag behind its table. */
    const listed = (tenantId: string, ids: readonly string[], attention?: AttentionClass) =>
      eventually(`${attention ?? "all"}: ${ids.join() || "none"}`, async () =>
        idsOf(await page(tenantId, { attention })).join() === ids.join() ? true : undefined,
      );
    const manyJobs = async (count: number, more: Partial<Job> = {}) => {
      const { tenantId } = aNewJob();
      const jobs: Job[] = [];
      for (let n = 0; n < count; n += 1) {
        jobs.unshift(await steps().create({ ...more, tenantId, createdAtMs: NOW_MS + n }));
      }
      const ids = jobs.map(({ id }) => id);
      await listed(tenantId, ids);
      return { tenantId, jobs, ids };
    };

    state("lists a tenant's jobs, newest first, as they are, and nobody else's", async () => {
      const { tenantId, jobs } = await manyJobs(7);
      await steps().create({ tenantId: `${tenantId}x` });
      const { jobs: found, next } = await page(tenantId);
      expect(found.map(({ job }) => job)).toEqual(jobs);
      expect(next).toBeUndefined();
    });

    state("lists nothing of a tenant without jobs", async () => {
      expect(await page(aNewJob().tenantId)).toEqual({ jobs: [], next: undefined });
    });

    state("lists every job once, page by page, while newer ones come", async () => {
      const { tenantId, ids } = await manyJobs(11);
      const seen: string[] = [];
      let before: string | undefined;
      do {
        const found = await page(tenantId, { before, limit: 3 });
        expect(found.jobs.length).toBeLessThanOrEqual(3);
        seen.push(...idsOf(found));
        before = found.next;
        await steps().create({ tenantId, createdAtMs: NOW_MS + 100 + seen.length });
      } while (before !== undefined);
      expect(seen).toEqual(ids);
    });

    state("goes on after any job of a page, by its position", async () => {
      const { tenantId, ids } = await manyJobs(5);
      const { jobs } = await page(tenantId);
      for (const [index, { position }] of jobs.entries()) {
        expect(idsOf(await page(tenantId, { before: position }))).toEqual(ids.slice(index + 1));
      }
    });

    state("lists jobs of one millisecond each once, whatever the page", async () => {
      const { tenantId } = aNewJob();
      const made = await Promise.all(Array.from({ length: 6 }, () => steps().create({ tenantId })));
      await eventually("all are listed", async () =>
        (await page(tenantId)).jobs.length === made.length ? true : undefined,
      );
      const all = idsOf(await page(tenantId));
      const first = await page(tenantId, { limit: 4 });
      const rest = await page(tenantId, { limit: 4, before: first.next });
      expect([...idsOf(first), ...idsOf(rest)]).toEqual(all);
      expect(all.toSorted()).toEqual(made.map(({ id }) => id).toSorted());
    });

    state("lists the jobs of a class alone, as they come into it and leave it", async () => {
      const { tenantId } = aNewJob();
      const classes: readonly AttentionClass[] = ["waiting", "failed", "dlq", "cancelled"];
      const isOnlyIn = async (id: string, attention: AttentionClass | undefined) => {
        for (const each of classes) await listed(tenantId, each === attention ? [id] : [], each);
        await listed(tenantId, [id]);
      };
      const job = await steps().create({ tenantId });
      // What is due at once waits for nobody's attention.
      await isOnlyIn(job.id, undefined);

      let running = await steps().claimed(job);
      const record = (kind: "failed" | "dlq", n: number) =>
        storage.store.recordResult(running, "worker", { kind, attempt: failedAttempt(n) }, NOW_MS);
      await record("failed", 1);
      await isOnlyIn(job.id, "failed");
      const retry = async (generation: number) =>
        storage.store.retry(await steps().read(job), { generation, retryKey: undefined }, NOW_MS);
      await retry(1);
      await isOnlyIn(job.id, "waiting");
      running = await steps().claimed(job, 1, "worker", 1);
      await record("dlq", 2);
      await isOnlyIn(job.id, "dlq");
      await retry(2);
      running = await steps().claimed(job, 1, "worker", 2);
      await storage.store.recordResult(running, "worker", succeeded(3), NOW_MS);
      await isOnlyIn(job.id, undefined);
    });

    state("lists what waits for its time, and what was cancelled then", async () => {
      const { tenantId } = aNewJob();
      const job = await steps().create({ tenantId, dueAtMs: NOW_MS + HOUR_MS });
      await listed(tenantId, [job.id], "waiting");
      await storage.store.cancel(job, NOW_MS);
      await listed(tenantId, [], "waiting");
      await listed(tenantId, [job.id], "cancelled");
    });

    state("pages through a class", async () => {
      const { tenantId, ids } = await manyJobs(5, { dueAtMs: NOW_MS + HOUR_MS });
      await listed(tenantId, ids, "waiting");
      const first = await page(tenantId, { attention: "waiting", limit: 2 });
      expect(idsOf(first)).toEqual(ids.slice(0, 2));
      const rest = await page(tenantId, { attention: "waiting", before: first.next });
      expect(idsOf(rest)).toEqual(ids.slice(2));
      expect(rest.next).toBeUndefined();
    });

    state("leaves out a job that has expired", async () => {
      const job = await steps().through([succeeded(1)]);
      await listed(job.tenantId, [job.id]);
      const later = await page(job.tenantId, { nowMs: job.expiresAtMs ?? 0 });
      expect(later.jobs).toEqual([]);
    });
  });
};
