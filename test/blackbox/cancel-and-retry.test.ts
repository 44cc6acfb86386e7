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

const change = async (
  id: string,
  what: "cancel" | "retry",
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`${api.baseUrl}/v1/jobs/${id}/${what}`, { method: "POST", headers });
  return {
    status: response.status,
    replayed: response.headers.get("idempotency-replayed"),
    body: (await response.json()) as { readonly code?: string },
  };
};
const soon = () => new Date(Date.now() + 2_000).toISOString();
const once = { retry: { max_attempts: 1 } };

describe("cancel", () => {
  it("ends a waiting job, again and again, and nothing is sent", async () => {
    const id = await api.accepted(jobTo(receiver.url, { execute_at: soon() }));
    const answer = { status: 200, body: { id, status: "cancelled" } };
    expect(await change(id, "cancel")).toMatchObject(answer);
    expect(await change(id, "cancel")).toMatchObject(answer);
    expect(await api.job(id)).toMatchObject({
      status: "cancelled",
      next_attempt_at: null,
      attempts: 0,
    });

    const later = await api.accepted(jobTo(receiver.url, { execute_at: soon() }));
    await api.until(later, "success");
    expect(receiver.of(id)).toHaveLength(0);
  });

  it("is refused once the job is under way or over", async () => {
    const id = await api.accepted(jobTo(receiver.url));
    await api.until(id, "success");
    expect(await change(id, "cancel")).toMatchObject({
      status: 409,
      body: { code: "invalid_state" },
    });

    const release = Promise.withResolvers<void>();
    receiver.answer(async (_, response) => {
      await release.promise;
      response.writeHead(200).end();
    });
    const running = await api.accepted(jobTo(receiver.url));
    await api.until(running, "processing");
    expect(await change(running, "cancel")).toMatchObject({ status: 409 });
    release.resolve();
    await api.until(running, "success");
  });

  it("stops a job between two attempts", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(jobTo(receiver.url, { retry: { schedule_ms: [3_000] } }));
    await api.until(id, "scheduled");
    expect((await change(id, "cancel")).status).toBe(200);
    expect(await api.job(id)).toMatchObject({ status: "cancelled", attempts: 1 });
    expect(await api.attempts(id)).toHaveLength(1);
  });
});

describe("retry", () => {
  it("begins a new sequence, three times over, and keeps the old attempts", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(
      jobTo(receiver.url, { retry: { max_attempts: 2, schedule_ms: [100] } }),
    );
    await api.until(id, "dlq");
    for (let round = 1; round <= 3; round += 1) {
      expect(await change(id, "retry")).toEqual({
        status: 200,
        replayed: null,
        body: { id, status: "queued" },
      });
      await api.until(id, "dlq");
      expect(await api.job(id)).toMatchObject({ attempts: 2, max_attempts: 2 });
      expect(receiver.of(id)).toHaveLength(2 + 2 * round);
    }
    expect((await api.attempts(id)).map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(receiver.of(id).map(({ headers }) => headers["x-pulsegate-attempt"])).toEqual(
      Array.from({ length: 4 }, () => ["1", "2"]).flat(),
    );
  });

  it("of a failed job can succeed, and then it cannot be retried any more", async () => {
    receiver.answerStatuses(410, 200);
    const id = await api.accepted(jobTo(receiver.url));
    await api.until(id, "failed");
    await change(id, "retry");
    expect(await api.until(id, "success")).toMatchObject({ attempts: 1, last_error: null });
    expect(await change(id, "retry")).toMatchObject({
      status: 409,
      body: { code: "invalid_state" },
    });
  });

  it("of two at once one begins and the other is refused", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(jobTo(receiver.url, once));
    await api.until(id, "dlq");
    // The new sequence cannot end before both are answered: after that a retry would be right again.
    const { promise: answered, resolve: letGo } = Promise.withResolvers<void>();
    receiver.answer(async (_, response) => {
      await answered;
      response.writeHead(500).end();
    });
    const answers = await Promise.all([change(id, "retry"), change(id, "retry")]);
    letGo();
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    await api.until(id, "dlq");
    expect(receiver.of(id)).toHaveLength(2);
  });

  it("with an Idempotency-Key can be asked for again, also when the job has moved on", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(jobTo(receiver.url, once));
    await api.until(id, "dlq");
    const key = { "idempotency-key": randomUUID() };
    expect(await change(id, "retry", key)).toMatchObject({ status: 200, replayed: null });
    await api.until(id, "dlq");
    expect(await change(id, "retry", key)).toEqual({
      status: 200,
      replayed: "true",
      body: { id, status: "queued" },
    });
    expect(receiver.of(id)).toHaveLength(2);
    expect(await change(id, "retry", { "idempotency-key": "é" })).toMatchObject({ status: 400 });
  });

  it.each(["cancel", "retry"] as const)(
    "and cancel of a job that is not there are 404 (%s)",
    async (what) => {
      expect((await change("job_01ARZ3NDEKTSV4RRFFQ69G5FAV", what)).status).toBe(404);
      expect((await change("nothing", what)).status).toBe(404);
    },
  );
});
