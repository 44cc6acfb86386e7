import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { PulseGate } from "../../lib/client/index.ts";
import type { JobRequest, JobView, Page, Paged } from "../../lib/client/index.ts";
import { eventually } from "../support/eventually.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { passesOnTo, startMisbehavingApi } from "../support/misbehaving-api.ts";
import { startReceiver } from "../support/receiver.ts";
import { startOwnRuntime } from "../support/runtime-process.ts";

const runtime = forAllTests(startOwnRuntime);
const receiver = forAllTests(startReceiver);
let client: PulseGate;

beforeAll(() => {
  client = new PulseGate({ baseUrl: runtime.url });
});

const newTenant = () => `t-${randomUUID()}`;
const inTenMinutes = () => new Date(Date.now() + 600_000).toISOString();
const jobTo = (more: Partial<JobRequest> = {}): JobRequest => ({
  tenant_id: "t1",
  type: "webhook.dispatch",
  destination: { url: receiver.url },
  ...more,
});
const waiting = (more: Partial<JobRequest> = {}) => jobTo({ execute_at: inTenMinutes(), ...more });

const collect = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

/** All that a tenant has, once the list has caught up. */
const allJobs = (tenant_id: string, count: number) =>
  eventually(`${count} jobs of ${tenant_id}`, async () => {
    const jobs = await collect(client.listJobs({ tenant_id }));
    return jobs.length >= count ? jobs : undefined;
  });

describe("many jobs", () => {
  it("are split into batches if asked for, and answered in their order", async () => {
    const tenant_id = newTenant();
    const jobs = Array.from({ length: 230 }, (_, n) => waiting({ tenant_id, payload: n }));
    jobs[120] = waiting({ tenant_id: "" });
    await expect(client.createJobs(jobs)).rejects.toMatchObject({ code: "invalid_input" });

    const idempotencyKey = randomUUID();
    const items = await client.createJobs(jobs, { split: true, idempotencyKey });
    expect(items).toHaveLength(230);
    expect(items[120]).toMatchObject({
      status: 400,
      error: { errors: [{ pointer: "/tenant_id" }] },
    });
    for (const n of [0, 99, 100, 119, 121, 200, 229]) {
      const item = items[n];
      if (!item || "error" in item) throw new Error(`item ${n} was refused`);
      expect((await client.getJobWithPayload(item.id)).payload).toBe(n);
    }
    const repeated = await client.createJobs(jobs, { split: true, idempotencyKey });
    expect(repeated).toEqual(
      items.map((item): unknown =>
        "id" in item ? { ...item, replayed: true } : expect.anything(),
      ),
    );
  });

  it("are split by their size, too", async () => {
    const payload = "x".repeat(250_000);
    const jobs = Array.from({ length: 14 }, () => waiting({ payload }));
    await expect(client.createJobs(jobs)).rejects.toMatchObject({ code: "payload_too_large" });
    const items = await client.createJobs(jobs, { split: true });
    expect(items.map(({ status }) => status)).toEqual(jobs.map(() => 201));
  });

  it("are none: an empty list is refused as the API does, and split into nothing", async () => {
    await expect(client.createJobs([])).rejects.toMatchObject({ code: "invalid_input" });
    expect(await client.createJobs([], { split: true })).toEqual([]);
  });

  it("are listed each once, over many pages, while more are added", async () => {
    const tenant_id = newTenant();
    const jobs = Array.from({ length: 60 }, () => waiting({ tenant_id }));
    const items = await client.createJobs(jobs);
    await allJobs(tenant_id, 60);

    const pages: Page<JobView>[] = [];
    for await (const page of client.listJobs({ tenant_id }, { limit: 7 }).pages()) {
      pages.push(page);
      await client.createJob(waiting({ tenant_id }));
    }
    expect(pages.length).toBeGreaterThan(8);
    const ids = pages.flatMap((page) => page.items.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(items.filter((item) => !("id" in item) || !ids.includes(item.id))).toEqual([]);
    const times = pages.flatMap((page) => page.items.map(({ created_at }) => created_at));
    expect(times).toEqual(times.toSorted().toReversed());

    const rest: Paged<JobView> = client.listJobs(
      { tenant_id },
      { cursor: pages[2]?.next_cursor ?? "" },
    );
    expect((await collect(rest)).map(({ id }) => id)).toEqual(
      pages.slice(3).flatMap((page) => page.items.map(({ id }) => id)),
    );
  });

  it("are listed by status and type, and no further than they are walked", async () => {
    const tenant_id = newTenant();
    const { id } = await client.createJob(waiting({ tenant_id, type: "other.kind" }));
    await client.createJobs(Array.from({ length: 5 }, () => waiting({ tenant_id })));
    await allJobs(tenant_id, 6);
    const found = await collect(
      client.listJobs({ tenant_id, status: "scheduled", type: "other.kind" }),
    );
    expect(found.map((job) => job.id)).toEqual([id]);

    const seen = await startMisbehavingApi(passesOnTo(runtime.url));
    try {
      const through = new PulseGate({ baseUrl: seen.url });
      for await (const job of through.listJobs({ tenant_id }, { limit: 2 })) {
        expect(job.tenant_id).toBe(tenant_id);
        break;
      }
      expect(seen.requests).toHaveLength(1);
    } finally {
      await seen.stop();
    }
  });
});
