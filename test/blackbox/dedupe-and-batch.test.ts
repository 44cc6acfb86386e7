import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => receiver.answer((_, response) => void response.writeHead(200).end("ok")));
afterAll(() => receiver.stop());

const inTenMinutes = () => new Date(Date.now() + 600_000).toISOString();
const waiting = (more: object = {}) => jobTo(receiver.url, { execute_at: inTenMinutes(), ...more });
const send = async (body: object, key?: string) => {
  const response = await api.post(body, key === undefined ? {} : { "idempotency-key": key });
  return {
    status: response.status,
    replayed: response.headers.get("idempotency-replayed"),
    body: (await response.json()) as {
      id: string;
      status: string;
      deduplicated?: boolean;
      code?: string;
    },
  };
};

describe("a dedupe key", () => {
  it("makes the second job the first one, with its present status", async () => {
    const dedupe_key = randomUUID();
    const first = await send(jobTo(receiver.url, { dedupe_key }));
    expect(first.status).toBe(201);
    expect(first.body).not.toHaveProperty("deduplicated");
    await api.until(first.body.id, "success");
    expect(await send(waiting({ dedupe_key }))).toMatchObject({
      status: 200,
      replayed: null,
      body: { id: first.body.id, status: "success", deduplicated: true },
    });
    expect(await api.job(first.body.id)).toMatchObject({ dedupe_key });
  });

  it("belongs to its tenant, and is compared code point by code point", async () => {
    const key = randomUUID();
    const ids = await Promise.all(
      [
        ["ab", `c${key}`],
        ["a", `bc${key}`],
        ["a", `\u00e9${key}`],
        ["a", `e\u0301${key}`],
        ["a", "😀".repeat(220) + key],
      ].map(async ([tenant_id, dedupe_key]) => {
        const { status, body } = await send(waiting({ tenant_id, dedupe_key }));
        expect(status).toBe(201);
        return body.id;
      }),
    );
    expect(new Set(ids).size).toBe(5);
    expect((await send(waiting({ dedupe_key: "😀".repeat(257) }))).status).toBe(400);
    expect((await send(waiting({ dedupe_key: "" }))).status).toBe(400);
  });

  it("is freed by cancelling its job, and only by that", async () => {
    const dedupe_key = randomUUID();
    const { body: first } = await send(waiting({ dedupe_key }));
    await fetch(`${api.baseUrl}/v1/jobs/${first.id}/cancel`, { method: "POST" });
    const second = await send(waiting({ dedupe_key }));
    expect(second).toMatchObject({ status: 201 });
    expect(second.body.id).not.toBe(first.id);
    await fetch(`${api.baseUrl}/v1/jobs/${first.id}/cancel`, { method: "POST" });
    expect(await send(waiting({ dedupe_key }))).toMatchObject({
      status: 200,
      body: { id: second.body.id },
    });
  });

  it.each([
    ["dlq", 500],
    ["failed", 410],
  ])("is kept by a job that ended as %s, single and in a batch", async (ends, status) => {
    receiver.answerStatuses(status);
    const dedupe_key = randomUUID();
    const { body: first } = await send(
      jobTo(receiver.url, { dedupe_key, retry: { max_attempts: 1 } }),
    );
    await api.until(first.id, ends);
    expect(await send(waiting({ dedupe_key }))).toMatchObject({
      status: 200,
      body: { id: first.id, status: ends },
    });
    expect(await api.postBatch({ jobs: [waiting({ dedupe_key })] })).toMatchObject([
      { status: 200, id: first.id, job_status: ends, deduplicated: true, replayed: false },
    ]);
  });

  it("posted fifty times at once makes one job", async () => {
    const dedupe_key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send(waiting({ dedupe_key }))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });
});

describe("both keys together", () => {
  it("a request that dedupe answered gets the same answer on every repeat, and another body 409", async () => {
    const dedupe_key = randomUUID();
    const key = randomUUID();
    const { body: first } = await send(waiting({ dedupe_key }));
    const keyed = waiting({ dedupe_key, payload: { mine: true } });
    expect(await send(keyed, key)).toMatchObject({
      status: 200,
      replayed: null,
      body: { id: first.id, deduplicated: true },
    });
    expect(await send(keyed, key)).toMatchObject({
      status: 200,
      replayed: "true",
      body: { id: first.id, deduplicated: true },
    });
    // Idempotency is judged before dedupe, also when the dedupe key is free again.
    await fetch(`${api.baseUrl}/v1/jobs/${first.id}/cancel`, { method: "POST" });
    expect(await send(keyed, key)).toMatchObject({
      status: 200,
      body: { id: first.id, status: "cancelled", deduplicated: true },
    });
    expect(await send({ ...keyed, payload: { mine: false } }, key)).toMatchObject({
      status: 409,
      body: { code: "idempotency_conflict" },
    });
  });

  it("a replay is a replay, not a duplicate of itself", async () => {
    const job = waiting({ dedupe_key: randomUUID() });
    const key = randomUUID();
    const first = await send(job, key);
    expect(await send(job, key)).toMatchObject({
      status: 201,
      replayed: "true",
      body: { id: first.body.id },
    });
  });
});

describe("a batch", () => {
  it("takes each job on its own, in the order sent", async () => {
    const items = await api.postBatch({
      jobs: [
        jobTo(receiver.url, { payload: { n: 0 } }),
        { tenant_id: "t1" },
        jobTo(receiver.url, { payload: { n: 2 } }),
        jobTo("http://10.0.0.1/"),
      ],
    });
    expect(items).toMatchObject([
      { status: 201, job_status: "queued", deduplicated: false, replayed: false },
      { status: 400, error: { code: "invalid_input" } },
      { status: 201 },
      { status: 400, error: { errors: [{ pointer: "/destination/url" }] } },
    ]);
    expect(items[1]?.error?.errors.map(({ pointer }) => pointer)).toEqual([
      "/type",
      "/destination",
    ]);
    for (const n of [0, 2]) {
      await api.until(items[n]?.id ?? "", "success");
      expect(receiver.of(items[n]?.id ?? "")[0]?.body.toString()).toBe(`{"n":${n}}`);
    }
  });

  it("lets its jobs see each other's dedupe keys, in order", async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const items = await api.postBatch({
      jobs: [a, a, b, a, b].map((dedupe_key) => waiting({ dedupe_key })),
    });
    expect(items.map(({ status }) => status)).toEqual([201, 200, 201, 200, 200]);
    expect(items[1]?.id).toBe(items[0]?.id);
    expect(items[3]?.id).toBe(items[0]?.id);
    expect(items[4]?.id).toBe(items[2]?.id);
  });

  it("is replayed by its key, item by item, in a space of its own", async () => {
    const key = randomUUID();
    const jobs = [1, 2, 3].map((n) => waiting({ payload: n }));
    const first = await api.postBatch({ jobs }, key);
    const again = await api.postBatch({ jobs }, key);
    expect(again.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    expect(again.every(({ replayed, status }) => replayed === true && status === 201)).toBe(true);
    const mixed = await api.postBatch({ jobs: [jobs[0], waiting({ payload: "other" })] }, key);
    expect(mixed).toMatchObject([
      { status: 201, replayed: true },
      { status: 409, error: { code: "idempotency_conflict" } },
    ]);
    const single = await send(jobs[0] ?? {}, key);
    expect(single).toMatchObject({ status: 201, replayed: null });
    expect(first.map(({ id }) => id)).not.toContain(single.body.id);
  });

  it("takes a hundred jobs, and keeps their payloads byte for byte", async () => {
    const payloads = Array.from({ length: 100 }, (_, n) => `{ "n" : ${n}.0 , "n":1 }`);
    const job = JSON.stringify(jobTo(receiver.url, { payload: "PAYLOAD" }));
    const body = `{"jobs":[${payloads.map((text) => job.replace('"PAYLOAD"', text)).join(" ,\n")}]}`;
    const items = await api.postBatch(body);
    expect(items).toHaveLength(100);
    await Promise.all(items.map(({ id = "" }) => api.until(id, "success")));
    for (const [n, { id = "" }] of items.entries()) {
      expect(receiver.of(id)[0]?.body.toString()).toBe(payloads[n]);
    }
  });

  it.each([
    ["no jobs", { jobs: [] }, 400],
    ["101 jobs", { jobs: Array.from({ length: 101 }, () => ({})) }, 400],
    ["an unknown member", { jobs: [{}], job: [] }, 400],
    ["no array", { jobs: {} }, 400],
    ["a key that stands twice", `{"jobs":[{}],"jobs":[{}]}`, 400],
    ["no JSON", `{"jobs":[`, 400],
    ["over 3 MiB", `{"jobs":["${"x".repeat(3_145_728)}"]}`, 413],
  ])("with %s is refused whole", async (_, body, status) => {
    const response = await api.rawBatch(body);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it("refuses the item whose payload is too long", async () => {
    const jobs = [waiting(), waiting({ payload: "x".repeat(262_144) })];
    expect(await api.postBatch({ jobs })).toMatchObject([
      { status: 201 },
      { status: 413, error: { code: "payload_too_large", errors: [{ pointer: "/payload" }] } },
    ]);
  });
});

describe("a job with its payload", () => {
  it("shows the very bytes, and headers without their secrets", async () => {
    const text = String.raw`{"n":8202522731445525542, "w":136.0,"s":"\u00e9","k":1,"k":2}`;
    const job = JSON.stringify(
      waiting({
        payload: "PAYLOAD",
        destination: {
          url: receiver.url,
          headers: { Authorization: "Bearer x", "X-Api-Key": "k", "x-plain": "p", __proto__x: "1" },
        },
      }),
    );
    const id = await api.accepted(job.replace('"PAYLOAD"', text));
    const shown = await (await fetch(`${api.baseUrl}/v1/jobs/${id}?include=payload`)).text();
    expect(shown).toContain(`"payload":${text}`);
    expect(JSON.parse(shown)).toMatchObject({
      id,
      destination: {
        url: receiver.url,
        headers: { Authorization: "***", "X-Api-Key": "***", "x-plain": "p" },
      },
    });
    expect(await api.job(id)).not.toHaveProperty("payload");
  });

  it("has no such member if none was sent", async () => {
    const { payload: _, ...job } = waiting();
    const id = await api.accepted(job);
    const shown = await api.get<object>(`/v1/jobs/${id}?include=payload`);
    expect(shown).not.toHaveProperty("payload");
    expect(shown).toMatchObject({ destination: { headers: {} } });
    expect((await fetch(`${api.baseUrl}/v1/jobs/${id}?include=all`)).status).toBe(400);
  });
});
