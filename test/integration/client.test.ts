import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { PulseGate } from "../../lib/client/index.ts";
import type { JobRequest, JobView } from "../../lib/client/index.ts";
import { eventually } from "../support/eventually.ts";
import { forAllTests } from "../support/lifetimes.ts";
import {
  answer,
  losesAnswerOf,
  passesOnTo,
  startMisbehavingApi,
} from "../support/misbehaving-api.ts";
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

const until = (id: string, status: string): Promise<JobView> =>
  eventually(`${id} is ${status}`, async () => {
    const job = await client.getJob(id);
    return job.status === status ? job : undefined;
  });

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

describe("a job", () => {
  it("is created, delivered and shown with every attempt", async () => {
    receiver.answerStatuses(500, 200);
    const { id, ...accepted } = await client.createJob(
      jobTo({ payload: { order: 1 }, retry: { schedule_ms: [100] } }),
    );
    expect(accepted).toEqual({ status: "queued", deduplicated: false, replayed: false });
    expect(await until(id, "success")).toMatchObject({ id, attempts: 2, max_attempts: 2 });
    expect(receiver.of(id)[0]?.body.toString()).toBe('{"order":1}');

    const attempts = client.attempts(id, { limit: 1 });
    expect((await collect(attempts)).map(({ n, http_status }) => [n, http_status])).toEqual([
      [1, 500],
      [2, 200],
    ]);
    expect(await collect(attempts.pages())).toHaveLength(2);
  });

  it("may have every field that there is", async () => {
    const dedupe_key = randomUUID();
    const job: Required<JobRequest> = {
      ...waiting(),
      payload: [1, "é", null],
      destination: {
        url: receiver.url,
        method: "PUT",
        headers: { "x-one": "1", authorization: "Bearer secret" },
        timeout_ms: 5_000,
      },
      dedupe_key,
      execute_at: inTenMinutes(),
      retry: { max_attempts: 3, base_delay_ms: 200, max_delay_ms: 400 },
      rate_limit: { rps: 0.5, burst: 2, key: "crm" },
      priority: "high",
      metadata: { trace_id: "abc" },
    };
    const { id, status } = await client.createJob(job);
    expect(status).toBe("scheduled");
    expect(await client.getJobWithPayload(id)).toMatchObject({
      payload: [1, "é", null],
      destination: {
        url: receiver.url,
        method: "PUT",
        headers: { "x-one": "1", authorization: "***" },
      },
      dedupe_key,
      priority: "high",
      max_attempts: 3,
      metadata: { trace_id: "abc" },
    });
    expect(await client.createJob(job)).toEqual({
      id,
      status: "scheduled",
      deduplicated: true,
      replayed: false,
    });
  });

  it("given as text keeps its payload byte for byte, and can be read back so", async () => {
    receiver.answerStatuses(200);
    const payload = '{ "n" : 12345678901234567890.10, "é": "\\u00e9" }';
    const text = `${JSON.stringify(jobTo()).slice(0, -1)},"payload":${payload}}`;
    const { id } = await client.createJob(text);
    const { id: same } = await client.createJob(new TextEncoder().encode(text));
    for (const job of [id, same]) {
      await until(job, "success");
      expect(receiver.of(job)[0]?.body.toString()).toBe(payload);
    }
    expect(await client.getJobText(id)).toContain(payload);
    const [item] = await client.createJobs([text]);
    if (!item || "error" in item) throw new Error("refused");
    expect(await client.getJobText(item.id)).toContain(payload);
  });

  it("is cancelled once, however often it is asked for, and not when it is over", async () => {
    receiver.answerStatuses(200);
    const { id } = await client.createJob(waiting());
    expect(await client.cancelJob(id)).toEqual({ id, status: "cancelled" });
    expect(await client.cancelJob(id)).toEqual({ id, status: "cancelled" });

    const { id: done } = await client.createJob(jobTo());
    await until(done, "success");
    await expect(client.cancelJob(done)).rejects.toMatchObject({
      name: "PulseGateError",
      code: "invalid_state",
      status: 409,
    });
  });

  it("that failed is retried, once for each key", async () => {
    receiver.answerStatuses(410, 410, 200);
    const { id } = await client.createJob(jobTo());
    await until(id, "failed");
    expect(await client.retryJob(id)).toEqual({ id, status: "queued", replayed: false });
    await eventually("it failed again", () => receiver.of(id)[1]);
    await until(id, "failed");

    const idempotencyKey = randomUUID();
    const retry = () => client.retryJob(id, { idempotencyKey });
    expect(await retry()).toEqual({ id, status: "queued", replayed: false });
    expect(await retry()).toEqual({ id, status: "queued", replayed: true });
    await until(id, "success");
    expect(receiver.of(id)).toHaveLength(3);
  });

  it("that is not there is not found", async () => {
    for (const call of [
      client.getJob("job_none"),
      client.getJobWithPayload("job_none"),
      client.cancelJob("job_none"),
      collect(client.attempts("job_none")),
    ]) {
      await expect(call).rejects.toMatchObject({ code: "not_found", status: 404 });
    }
  });

  it("with mistakes is refused with every one of them", async () => {
    const job = jobTo({ destination: { url: "ftp://a.test", timeout_ms: 1 } });
    const call = client.createJob({ ...job, tenant_id: "" });
    await expect(call).rejects.toMatchObject({ code: "invalid_input", status: 400 });
    const { errors, request_id } = (await call.catch((error: unknown) => error)) as {
      errors: { pointer: string }[];
      request_id: string;
    };
    expect(errors.map(({ pointer }) => pointer).toSorted()).toEqual([
      "/destination/timeout_ms",
      "/destination/url",
      "/tenant_id",
    ]);
    expect(request_id).toMatch(/./);
  });
});

describe("a call whose answers are lost", () => {
  it.each([
    ["its answers are lost", () => losesAnswerOf(runtime.url)],
    ["it is put off by 503", () => answer(503, { message: "no" }, { "retry-after": "0" })],
  ])("creates one job when %s twice", async (_, trouble) => {
    const api = await startMisbehavingApi(trouble(), trouble(), passesOnTo(runtime.url));
    try {
      const tenant_id = newTenant();
      const through = new PulseGate({ baseUrl: api.url, baseDelayMs: 1 });
      const { id } = await through.createJob(waiting({ tenant_id }));
      expect(api.requests).toHaveLength(3);
      expect(new Set(api.requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
      // A second call has a key of its own, and makes a second job: the list shows these two.
      const { id: second } = await through.createJob(waiting({ tenant_id }));
      expect((await allJobs(tenant_id, 2)).map((job) => job.id)).toEqual([second, id]);
    } finally {
      await api.stop();
    }
  });

  it("creates each job of a batch once, and retries once", async () => {
    receiver.answerStatuses(410);
    const api = await startMisbehavingApi(losesAnswerOf(runtime.url), passesOnTo(runtime.url));
    const again = await startMisbehavingApi(losesAnswerOf(runtime.url), passesOnTo(runtime.url));
    try {
      const tenant_id = newTenant();
      const through = new PulseGate({ baseUrl: api.url, baseDelayMs: 1 });
      const items = await through.createJobs([waiting({ tenant_id }), jobTo({ tenant_id })]);
      expect(items.map(({ status }) => status)).toEqual([201, 201]);
      expect(await allJobs(tenant_id, 2)).toHaveLength(2);

      const failed = items[1] && "id" in items[1] ? items[1].id : "";
      await until(failed, "failed");
      await new PulseGate({ baseUrl: again.url, baseDelayMs: 1 }).retryJob(failed);
      await eventually("it is tried again", () => receiver.of(failed)[1]);
      await until(failed, "failed");
      expect(receiver.of(failed)).toHaveLength(2);
    } finally {
      await api.stop();
      await again.stop();
    }
  });
});

describe("the system", () => {
  it("is healthy and ready", async () => {
    expect(await client.health()).toEqual({ status: "ok" });
    expect(await client.ready()).toEqual({ ready: true, detail: null });
  });
});
