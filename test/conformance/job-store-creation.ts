import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { JobStore } from "../../lambdas/core/ports.ts";
import type { State } from "./describe-conformance.ts";
import {
  aNewJob,
  createCall,
  DAY_MS,
  NOW_MS,
  SECOND_MS,
  smallContent,
  stepsOn,
  succeeded,
} from "./stored-jobs.ts";

/** A job comes to stand, once, as it was asked for. */
export const stateCreation = (state: State, store: () => JobStore): void => {
  const create = (job = aNewJob(), more = {}) =>
    store().create(job, smallContent, createCall(more));

  state("keeps a job as it was created", async () => {
    const job = aNewJob({
      priority: "high",
      destination: { url: "http://receiver.example:81/é?a=b", method: "PUT", timeoutMs: 250 },
      executeAtMs: NOW_MS + DAY_MS,
      dueAtMs: NOW_MS + DAY_MS,
      maxAttempts: 3,
      retry: { kind: "doubling", baseMs: 100, maxMs: 5_000 },
      metadata: [
        ["__proto__", "a"],
        ["source", "b"],
      ],
    });
    expect(await create(job)).toEqual({ kind: "created" });
    expect(await store().read(job.id, NOW_MS)).toEqual(job);
  });

  state("finds nothing where nothing was put", async () => {
    const { id } = aNewJob();
    expect(await store().read(id, NOW_MS)).toEqual({ kind: "absent" });
    expect(await store().readWithContent(id, NOW_MS)).toBeUndefined();
  });

  state("refuses a second job of one id with the first, which stays", async () => {
    const job = await stepsOn(store()).create();
    const second = { ...job, requestHash: randomBytes(16).toString("hex"), type: "another" };
    expect(await create(second)).toEqual({ kind: "refused", found: job });
    expect(await store().read(job.id, NOW_MS)).toEqual(job);
  });

  state("creates one of many jobs that are put at once under one id", async () => {
    const { id } = aNewJob();
    const jobs = Array.from({ length: 10 }, () => aNewJob({ id }));
    const outcomes = await Promise.all(jobs.map((job) => create(job)));
    const winners = jobs.filter((_, index) => outcomes[index]?.kind === "created");
    expect(winners).toHaveLength(1);
    const [winner] = winners;
    expect(await store().read(id, NOW_MS)).toEqual(winner);
    for (const outcome of outcomes.filter(({ kind }) => kind !== "created")) {
      expect(outcome).toEqual({ kind: "refused", found: winner });
    }
  });

  state("keeps a content byte for byte, whatever its size", async () => {
    const contents = [
      { body: null, headers: [] },
      { body: new Uint8Array(0), headers: [["__proto__", "x"]] },
      { body: Uint8Array.from({ length: 256 }, (_, byte) => byte), headers: [] },
      { body: randomBytes(262_144), headers: [["x-a", "y".repeat(8_000)]] },
      { body: Buffer.from("é".repeat(100_000)), headers: [["b", "1"], ["a", "2"]] }, // prettier-ignore
    ] as const;
    for (const content of contents) {
      const job = await stepsOn(store()).create({}, content);
      const found = await store().readWithContent(job.id, NOW_MS);
      expect(found?.job).toEqual(job);
      expect(found?.content.headers).toEqual(content.headers);
      const bytes = (body: Uint8Array | null | undefined) => body && Buffer.from(body);
      // Buffers are compared whole: an array of so many numbers takes seconds.
      const isSame =
        content.body === null
          ? found?.content.body === null
          : bytes(found?.content.body)?.equals(content.body);
      expect(isSame).toBe(true);
    }
  });

  state("brings a content to who claimed its job", async () => {
    for (const body of [Buffer.from("small"), randomBytes(100_000)]) {
      const content = { body, headers: [["a", "b"]] as const };
      const job = await stepsOn(store()).create({}, content);
      const outcome = await stepsOn(store()).claim(job);
      if (outcome.kind !== "claimed") throw new Error("not claimed");
      const found = await store().readContent(outcome.claimed);
      expect(found.headers).toEqual(content.headers);
      expect(Buffer.from(found.body ?? []).equals(body)).toBe(true);
    }
  });

  state("forgets a job when it expires, and lets another take its id later", async () => {
    const job = await stepsOn(store()).through([succeeded(1)]);
    const expiresAtMs = job.expiresAtMs ?? 0;
    expect(expiresAtMs).toBeGreaterThan(NOW_MS);
    expect((await store().read(job.id, expiresAtMs - SECOND_MS)).kind).toBe("job");
    expect(await store().read(job.id, expiresAtMs)).toEqual({ kind: "absent" });
    const next = aNewJob({ id: job.id, createdAtMs: expiresAtMs + DAY_MS });
    const early = await create(next, { startedAtMs: expiresAtMs - SECOND_MS });
    expect(early).toEqual({ kind: "refused", found: job });
    expect(await create(next, { startedAtMs: expiresAtMs + DAY_MS })).toEqual({ kind: "created" });
    expect(await store().read(job.id, expiresAtMs + DAY_MS)).toEqual(next);
  });
};
