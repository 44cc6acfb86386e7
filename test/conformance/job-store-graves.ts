import { expect } from "vitest";
import type { JobStore } from "../../lambdas/core/ports.ts";
import type { State } from "./describe-conformance.ts";
import {
  aNewJob,
  createCall,
  DAY_MS,
  NOW_MS,
  pointsOn,
  smallContent,
  stepsOn,
} from "./stored-jobs.ts";

/** Longer than clocks may be apart. */
const MINUTE_MS = 60_000;

/** Tombstones: what is known of ids whose messages came, and whose jobs never did. */
export const stateGraves = (state: State, store: () => JobStore): void => {
  const createdAt = (startedAtMs: number, job = aNewJob(), more = {}) =>
    store().create(job, smallContent, createCall({ startedAtMs, ...more }));
  const pointTo = pointsOn(store);
  const tombstoneOf = async (id: string) => {
    const found = await store().read(id, NOW_MS);
    if (found.kind !== "tombstone") throw new Error(`it is ${found.kind}`);
    return found;
  };

  state("puts a tombstone where nothing stands, and no other over it", async () => {
    const { id } = aNewJob();
    expect(await store().putTombstone(id, NOW_MS)).toEqual({ kind: "put" });
    const found = await tombstoneOf(id);
    expect(found.madeAtMs).toBeGreaterThanOrEqual(NOW_MS);
    const again = await store().putTombstone(id, NOW_MS + MINUTE_MS);
    expect(again).toEqual({ kind: "refused", found });
  });

  state("puts no tombstone over a job or a pointer", async () => {
    const job = await stepsOn(store()).create();
    expect(await store().putTombstone(job.id, NOW_MS)).toEqual({ kind: "refused", found: job });
    const other = aNewJob();
    await pointTo("job_first", other);
    expect(await store().putTombstone(other.id, NOW_MS)).toMatchObject({
      kind: "refused",
      found: { kind: "pointer", jobId: "job_first" },
    });
  });

  state("keeps out a job whose message may have been given up, and no later one", async () => {
    const job = aNewJob();
    await store().putTombstone(job.id, NOW_MS);
    const found = await tombstoneOf(job.id);
    expect(await createdAt(NOW_MS, job)).toEqual({ kind: "refused", found });
    expect(await createdAt(found.madeAtMs, job)).toEqual({ kind: "refused", found });
    expect(await createdAt(found.madeAtMs + 1, job)).toEqual({ kind: "created" });
    expect(await store().read(job.id, NOW_MS)).toEqual(job);
  });

  state("gives nothing to a claim where a tombstone stands", async () => {
    const job = aNewJob();
    await store().putTombstone(job.id, NOW_MS);
    expect(await stepsOn(store()).claim(job)).toMatchObject({
      kind: "refused",
      found: { kind: "tombstone" },
    });
  });

  state("raises a tombstone, and lowers none", async () => {
    const { id } = aNewJob();
    await store().putTombstone(id, NOW_MS);
    const raised = { kind: "raised" } as const;
    expect(await store().raiseTombstone(id, NOW_MS + MINUTE_MS)).toEqual(raised);
    const { madeAtMs } = await tombstoneOf(id);
    expect(madeAtMs).toBeGreaterThanOrEqual(NOW_MS + MINUTE_MS);
    expect(await store().raiseTombstone(id, NOW_MS)).toEqual(raised);
    expect((await tombstoneOf(id)).madeAtMs).toBe(madeAtMs);
  });

  state("raises no tombstone where none stands", async () => {
    const { id } = aNewJob();
    const nothing = await store().raiseTombstone(id, NOW_MS);
    expect(nothing).toEqual({ kind: "refused", found: { kind: "absent" } });
    expect(await store().read(id, NOW_MS)).toEqual({ kind: "absent" });
    const job = await stepsOn(store()).create();
    const refused = await store().raiseTombstone(job.id, NOW_MS);
    expect(refused).toEqual({ kind: "refused", found: job });
    expect(await store().read(job.id, NOW_MS)).toEqual(job);
  });

  state("remembers at a pointer that a message of its id was given up", async () => {
    const job = aNewJob();
    await pointTo("job_first", job);
    expect(await store().raiseTombstone(job.id, NOW_MS)).toEqual({ kind: "raised" });
    expect((await store().read(job.id, NOW_MS)).kind).toBe("pointer");
    const forgotten = { forgottenTarget: { jobId: "job_first", createdAtMs: 7 } };
    expect((await createdAt(NOW_MS, job, forgotten)).kind).toBe("refused");
    expect(await createdAt(NOW_MS + MINUTE_MS, job, forgotten)).toEqual({ kind: "created" });
  });

  state("lets no other pointer in place of one that remembers", async () => {
    const job = aNewJob();
    await pointTo("job_first", job);
    await store().raiseTombstone(job.id, NOW_MS);
    expect((await pointTo("job_second", job)).kind).toBe("refused");
  });

  state("keeps a tombstone that is raised for as long as a new one", async () => {
    const { id } = aNewJob();
    await store().putTombstone(id, NOW_MS);
    const raisedAtMs = NOW_MS + 14 * DAY_MS;
    expect(await store().raiseTombstone(id, raisedAtMs)).toEqual({ kind: "raised" });
    expect((await store().read(id, raisedAtMs + 14 * DAY_MS)).kind).toBe("tombstone");
  });

  state("puts a pointer in place of a tombstone", async () => {
    const job = aNewJob();
    await store().putTombstone(job.id, NOW_MS);
    expect(await pointTo("job_first", job)).toEqual({ kind: "put" });
    expect((await store().read(job.id, NOW_MS)).kind).toBe("pointer");
  });

  state("keeps a tombstone for longer than any queue keeps a message", async () => {
    const { id } = aNewJob();
    await store().putTombstone(id, NOW_MS);
    expect((await store().read(id, NOW_MS + 14 * DAY_MS)).kind).toBe("tombstone");
  });

  state("fences nothing where no job stands", async () => {
    const { id } = aNewJob();
    const refused = await store().fence(id, 1, NOW_MS);
    expect(refused).toEqual({ kind: "refused", found: { kind: "absent" } });
  });
};
