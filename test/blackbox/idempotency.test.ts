import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { ProblemView } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const postWith = async (key: string, body: string | object) => {
  const response = await api.post(body, { "idempotency-key": key });
  return {
    status: response.status,
    replayed: response.headers.get("idempotency-replayed"),
    body: (await response.json()) as { id: string; status: string } & ProblemView,
  };
};

describe("an Idempotency-Key", () => {
  it("gives one job to twenty posts at once of a payload that is kept apart from the job", async () => {
    const key = randomUUID();
    const job = jobTo(receiver.url, { payload: "x".repeat(5_000) });
    const answers = await Promise.all(Array.from({ length: 20 }, () => postWith(key, job)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  it("gives one job to requests that mean the same, however they are written", async () => {
    const key = randomUUID();
    const first = await postWith(key, jobTo(receiver.url, { payload: { a: 1, b: "é" } }));
    expect(first).toMatchObject({ status: 201, replayed: null });
    const again = await postWith(
      key,
      String.raw`{ "payload":{"b":"\u00e9","a":1}, "type":"webhook.dispatch","tenant_id":"t1",
        "destination":{"url":"${receiver.url}"} }`,
    );
    expect(again).toMatchObject({ status: 201, replayed: "true" });
    expect(again.body.id).toBe(first.body.id);
    await api.until(first.body.id, "success");
    expect(receiver.of(first.body.id)).toHaveLength(1);
    expect((await postWith(key, jobTo(receiver.url, { payload: { a: 1, b: "é" } }))).body).toEqual({
      id: first.body.id,
      status: "success",
    });
  });

  it.each([
    ["another number", { payload: { n: 2 } }],
    ["a default that is spelled out", { payload: { n: 1 }, priority: "normal" }],
  ])("is refused for a body with %s", async (_, other) => {
    const key = randomUUID();
    await postWith(key, jobTo(receiver.url, { payload: { n: 1 } }));
    expect(await postWith(key, jobTo(receiver.url, other))).toMatchObject({
      status: 409,
      body: { code: "idempotency_conflict" },
    });
  });

  it("belongs to its tenant", async () => {
    const key = randomUUID();
    const ids = await Promise.all(
      [
        ["ab", `c${key}`],
        ["a", `bc${key}`],
      ].map(async ([tenant_id = "", own = ""]) => {
        const { status, body } = await postWith(own, jobTo(receiver.url, { tenant_id }));
        expect(status).toBe(201);
        return body.id;
      }),
    );
    expect(new Set(ids).size).toBe(2);
  });

  it("is not burnt by a refused request", async () => {
    const key = randomUUID();
    expect((await postWith(key, { tenant_id: "t1" })).status).toBe(400);
    expect((await postWith(key, jobTo(receiver.url))).status).toBe(201);
  });

  it("makes one job of two hundred posts at once, which get equal answers", async () => {
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => postWith(key, jobTo(receiver.url))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const ids = new Set(answers.map(({ body }) => body.id));
    expect(ids.size).toBe(1);
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => Object.keys(body).join())).size).toBe(1);
    const [id = ""] = ids;
    await api.until(id, "success");
    expect(receiver.of(id)).toHaveLength(1);
  });
});
