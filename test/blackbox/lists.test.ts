import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { JobView, Page, ProblemView } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const newTenant = () => `t-${randomUUID()}`;
const inTenMinutes = () => new Date(Date.now() + 600_000).toISOString();
const jobOf = (tenant_id: string, more: object = {}) =>
  jobTo(receiver.url, { tenant_id, execute_at: inTenMinutes(), ...more });
const page = (query: string) => api.get<Page<JobView>>(`/v1/jobs?${query}`);

/** Every page, by the cursor of the one before. */
const walk = async (query: string, meanwhile: () => Promise<unknown> = () => Promise.resolve()) => {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const found: Page<JobView> = await page(cursor === null ? query : `${query}&cursor=${cursor}`);
    ids.push(...found.items.map(({ id }) => id));
    cursor = found.next_cursor;
    await meanwhile();
  } while (cursor !== null && ids.length < 10_000);
  return ids;
};

describe("a tenant's jobs", () => {
  it("are listed newest first, as they are shown alone", async () => {
    const tenant = newTenant();
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push(await api.accepted(jobOf(tenant)));
    const { items, next_cursor } = await page(`tenant_id=${tenant}`);
    expect(items.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(next_cursor).toBeNull();
    expect(items[0]).toEqual(await api.job(ids[2] ?? ""));
  });

  it("come each once, page by page, while more are added", async () => {
    const tenant = newTenant();
    const jobs = Array.from({ length: 60 }, () => jobOf(tenant));
    const posted = await Promise.all(
      [0, 1, 2].map(() => api.postBatch({ jobs }).then((items) => items.map(({ id }) => id))),
    );
    const earlier = posted.flat();
    await eventually(
      "all are listed",
      async () => (await walk(`tenant_id=${tenant}&limit=100`)).length === 180 || undefined,
    );
    const ids = await walk(`tenant_id=${tenant}&limit=7`, () => api.accepted(jobOf(tenant)));
    expect(new Set(ids).size).toBe(ids.length);
    expect(earlier.filter((id) => !ids.includes(id ?? ""))).toEqual([]);
  });

  it("of one status or type are found, and the end is the end", async () => {
    const tenant = newTenant();
    receiver.answerStatuses(410);
    const failed = await api.accepted(jobTo(receiver.url, { tenant_id: tenant }));
    await api.until(failed, "failed");
    const cancelled = await api.accepted(jobOf(tenant));
    await fetch(`${api.baseUrl}/v1/jobs/${cancelled}/cancel`, { method: "POST" });
    const scheduled = await api.accepted(jobOf(tenant, { type: "other.kind" }));
    const found = async (filter: string) =>
      (await page(`tenant_id=${tenant}&${filter}`)).items.map(({ id }) => id);
    expect(await found("status=failed")).toEqual([failed]);
    expect(await found("status=cancelled")).toEqual([cancelled]);
    expect(await found("status=scheduled")).toEqual([scheduled]);
    expect(await found("type=other.kind")).toEqual([scheduled]);
    expect(await found("status=scheduled&type=webhook.dispatch")).toEqual([]);
    for (const none of ["pending", "dlq", "success", "queued", "processing"]) {
      expect(await page(`tenant_id=${tenant}&status=${none}`)).toEqual({
        items: [],
        next_cursor: null,
      });
    }
  });

  it("are not another tenant's", async () => {
    const [mine, other] = [newTenant(), newTenant()];
    await api.accepted(jobOf(other));
    expect((await page(`tenant_id=${mine}`)).items).toEqual([]);
  });

  it("fill the last page exactly, and lead at most to one empty one", async () => {
    const tenant = newTenant();
    await api.postBatch({ jobs: Array.from({ length: 50 }, () => jobOf(tenant)) });
    const first = await eventually("all are listed", async () => {
      const found = await page(`tenant_id=${tenant}`);
      return found.items.length === 50 ? found : undefined;
    });
    if (first.next_cursor === null) return;
    const last = await page(`tenant_id=${tenant}&cursor=${first.next_cursor}`);
    expect(last).toEqual({ items: [], next_cursor: null });
  });
});

describe("a cursor", () => {
  it("opens only the list that it was given for, and only as it was given", async () => {
    const tenant = newTenant();
    await api.postBatch({ jobs: Array.from({ length: 3 }, () => jobOf(tenant)) });
    const { next_cursor: cursor } = await eventually("there is a second page", async () => {
      const found = await page(`tenant_id=${tenant}&limit=1`);
      return found.next_cursor === null ? undefined : found;
    });
    const changed = `${cursor?.startsWith("A") ? "B" : "A"}${cursor?.slice(1)}`;
    for (const query of [
      `tenant_id=${newTenant()}&cursor=${cursor}`,
      `tenant_id=${tenant}&status=scheduled&cursor=${cursor}`,
      `tenant_id=${tenant}&type=a&cursor=${cursor}`,
      `tenant_id=${tenant}&cursor=${changed}`,
      `tenant_id=${tenant}&cursor=${cursor}A`,
      `tenant_id=${tenant}&cursor=%20`,
    ]) {
      const response = await fetch(`${api.baseUrl}/v1/jobs?${query}`);
      expect(response.status).toBe(400);
      expect(((await response.json()) as ProblemView).errors).toMatchObject([
        { parameter: "cursor" },
      ]);
    }
    expect((await page(`tenant_id=${tenant}&limit=100&cursor=${cursor}`)).items).toHaveLength(2);
  });
});

describe("a query for a list", () => {
  it.each([
    ["", "tenant_id"],
    ["tenant_id=", "tenant_id"],
    ["tenant_id=a b", "tenant_id"],
    ["tenant_id=a&status=done", "status"],
    ["tenant_id=a&status=failed&status=dlq", "status"],
    ["tenant_id=a&type=", "type"],
    ["tenant_id=a&limit=5.0", "limit"],
    ["tenant_id=a&limit=%2B5", "limit"],
    ["tenant_id=a&offset=1", "offset"],
  ])("of ?%s is 400 and names %s", async (query, parameter) => {
    const response = await fetch(`${api.baseUrl}/v1/jobs?${query}`);
    expect(response.status).toBe(400);
    expect(((await response.json()) as ProblemView).errors).toMatchObject([{ parameter }]);
  });
});
