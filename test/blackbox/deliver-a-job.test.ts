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

describe("a job posted is a job delivered", () => {
  it("answers at once with the id and its place, delivers, and shows the attempt", async () => {
    const before = Date.now();
    const response = await api.post(jobTo(receiver.url, { payload: { order_id: 42 } }));
    expect(response.status).toBe(201);
    const { id, status } = (await response.json()) as { id: string; status: string };
    expect(id).toMatch(/^job_/);
    expect(status).toBe("queued");
    expect(response.headers.get("location")).toBe(`/v1/jobs/${id}`);

    const job = await api.until(id, "success");
    expect(job).toMatchObject({ attempts: 1, max_attempts: 8, last_error: null });
    expect(job.next_attempt_at).toBeNull();

    const [attempt, ...more] = await api.attempts(id);
    expect(more).toEqual([]);
    expect(attempt).toMatchObject({ n: 1, status: "success", http_status: 200, error: null });
    const startedAt = Date.parse(attempt?.started_at ?? "");
    const finishedAt = Date.parse(attempt?.finished_at ?? "");
    expect(startedAt).toBeGreaterThanOrEqual(before);
    expect(finishedAt).toBeGreaterThanOrEqual(startedAt);
    expect(attempt?.duration_ms).toBe(finishedAt - startedAt);
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("shows every field of the job, null where it does not apply", async () => {
    const id = await api.accepted(jobTo(receiver.url, { metadata: { source: "test" } }));
    expect(await api.until(id, "success")).toEqual({
      id,
      tenant_id: "t1",
      type: "webhook.dispatch",
      status: "success",
      priority: "normal",
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      execute_at: null,
      next_attempt_at: null,
      attempts: 1,
      max_attempts: 8,
      last_error: null,
      destination: { url: receiver.url, method: "POST" },
      dedupe_key: null,
      metadata: { source: "test" },
    });
  });

  it.each(["high", "normal", "low"])("delivers a job of priority %s", async (priority) => {
    const id = await api.accepted(jobTo(receiver.url, { priority }));
    expect(await api.until(id, "success")).toMatchObject({ priority });
  });

  it("sends the job's headers, its own, and names the attempt", async () => {
    receiver.answerStatuses(500, 200);
    const id = await api.accepted(
      jobTo(
        receiver.url,
        { retry: { base_delay_ms: 100 } },
        { headers: { "X-Custom": "a b", "Content-Type": "text/x-mine" } },
      ),
    );
    await api.until(id, "success");
    const [first, second] = receiver.of(id);
    expect(first?.headers).toMatchObject({
      "x-custom": "a b",
      "content-type": "text/x-mine",
      "user-agent": expect.stringMatching(/^PulseGate\/\d/),
      "x-pulsegate-attempt": "1",
      "webhook-id": id,
      "webhook-timestamp": expect.stringMatching(/^\d{10}$/),
    });
    expect(second?.headers).toMatchObject({ "x-pulsegate-attempt": "2", "webhook-id": id });
    expect(first?.rawHeaders.filter((name) => /^content-type$/i.test(name))).toHaveLength(1);
  });

  it.each(["PUT", "PATCH", "DELETE"])("calls the destination by %s", async (method) => {
    const id = await api.accepted(jobTo(receiver.url, {}, { method }));
    await api.until(id, "success");
    expect(receiver.of(id)[0]?.method).toBe(method);
  });

  it("sends no body when none was sent", async () => {
    const { payload: _, ...job } = jobTo(receiver.url, {}, { method: "GET" });
    const id = await api.accepted(job);
    await api.until(id, "success");
    const [request] = receiver.of(id);
    expect(request?.body).toHaveLength(0);
    expect(request?.headers["content-length"]).toBeUndefined();
  });

  it("holds a job back until its time", async () => {
    const executeAt = new Date(Date.now() + 2_500).toISOString();
    const id = await api.accepted(jobTo(receiver.url, { execute_at: executeAt }));
    expect(await api.job(id)).toMatchObject({
      status: "scheduled",
      execute_at: executeAt,
      next_attempt_at: executeAt,
    });
    await api.until(id, "success");
    expect(receiver.of(id)[0]?.atMs).toBeGreaterThanOrEqual(Date.parse(executeAt));
  });
});
