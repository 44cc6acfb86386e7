import { getEventListeners } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { PulseGate, PulseGateError } from "../../lib/client/index.ts";
import type { PulseGateOptions } from "../../lib/client/index.ts";
import { eventually } from "../support/eventually.ts";
import {
  answer,
  breaksOff,
  hangsUp,
  saysNothing,
  startMisbehavingApi,
} from "../support/misbehaving-api.ts";
import type { Behaviour, MisbehavingApi } from "../support/misbehaving-api.ts";

let api: MisbehavingApi;
afterEach(() => api.stop());

/** A client that waits little between its tries, in front of an API that behaves like this. */
const meeting = async (
  behaviours: readonly Behaviour[],
  options: Partial<PulseGateOptions> = {},
): Promise<PulseGate> => {
  api = await startMisbehavingApi(...behaviours);
  return new PulseGate({ baseUrl: api.url, baseDelayMs: 1, ...options });
};

const job = { tenant_id: "t1", type: "webhook.dispatch", destination: { url: "http://a.test/" } };
const accepted = answer(201, { id: "job_1", status: "queued" });
const keys = () => api.requests.map(({ headers }) => headers["idempotency-key"]);
const bodies = () => api.requests.map(({ body }) => body);

const errorOf = async (call: Promise<unknown>): Promise<PulseGateError> => {
  const error: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof PulseGateError) return error;
  throw new Error("no PulseGateError came", { cause: error });
};

describe("a call that failed for the moment", () => {
  const moments: Readonly<Record<string, Behaviour>> = {
    "whose connection broke": hangsUp,
    "whose answer broke off": breaksOff,
    "that was answered with 429": answer(429, { message: "Too Many Requests" }),
    "that was answered with 500": answer(500, { message: "Internal Server Error" }),
    "that was answered with 502": answer(502, "<html>Bad Gateway</html>"),
    "that was answered with 503": answer(503, { message: "Service Unavailable" }),
    "that was answered with 504": answer(504, "<html>Gateway Time-out</html>"),
  };

  it.each(Object.keys(moments))("and %s is repeated with the same key and body", async (moment) => {
    const client = await meeting([moments[moment] ?? hangsUp, hangsUp, accepted]);
    expect(await client.createJob(job)).toEqual({
      id: "job_1",
      status: "queued",
      deduplicated: false,
      replayed: false,
    });
    expect(keys()).toHaveLength(3);
    expect(keys()[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(keys()).size).toBe(1);
    expect(bodies()).toEqual(bodies().map(() => JSON.stringify(job)));
  });

  it("is repeated as often as was said, and then fails with all that is known", async () => {
    const problem = {
      code: "unavailable",
      detail: "No answer from: table.",
      status: 503,
      request_id: "r-1",
      errors: [],
    };
    const client = await meeting([answer(503, problem)], { retries: 2 });
    const error = await errorOf(client.createJob(job));
    expect(api.requests).toHaveLength(3);
    expect(error).toMatchObject({
      code: "unavailable",
      status: 503,
      request_id: "r-1",
      message: "No answer from: table.",
      idempotencyKey: keys()[0],
    });
    await errorOf(client.createJob(job, { retries: 0 }));
    expect(api.requests).toHaveLength(4);
  });

  it("is known by its key, so that the caller can go on with it", async () => {
    const client = await meeting([hangsUp, accepted], { retries: 0 });
    const { code, status, idempotencyKey } = await errorOf(client.createJob(job));
    expect({ code, status }).toEqual({ code: "network", status: null });
    await client.createJob(job, { idempotencyKey: idempotencyKey ?? "" });
    expect(new Set(keys())).toEqual(new Set([idempotencyKey]));
  });

  it("waits as long as Retry-After says before it is repeated", async () => {
    const client = await meeting([answer(503, {}, { "retry-after": "1" }), accepted]);
    await client.createJob(job);
    const [first, second] = api.requests;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it("fails at once if Retry-After says to come back in an hour", async () => {
    const client = await meeting([answer(503, {}, { "retry-after": "3600" })]);
    const error = await errorOf(client.createJob(job));
    expect(error.retryAfterMs).toBe(3_600_000);
    expect(api.requests).toHaveLength(1);
  });

  it("is repeated for reads and cancels, too", async () => {
    const client = await meeting([hangsUp, answer(200, { id: "job_1", status: "cancelled" })]);
    expect(await client.cancelJob("job_1")).toEqual({ id: "job_1", status: "cancelled" });
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /v1/jobs/job_1/cancel",
      "POST /v1/jobs/job_1/cancel",
    ]);
  });
});

describe("a call that gets no answer", () => {
  it("is given up in time and repeated", async () => {
    const client = await meeting([saysNothing, accepted], { timeoutMs: 100 });
    expect(await client.createJob(job)).toMatchObject({ id: "job_1" });
    expect(new Set(keys()).size).toBe(1);
    await api.requests[0]?.closed;
  });

  it("is a timeout, also when the answer began in time", async () => {
    const begins: Behaviour = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"id":');
    };
    const client = await meeting([begins]);
    const error = await errorOf(client.getJob("job_1", { timeoutMs: 100, retries: 0 }));
    expect(error).toMatchObject({ code: "timeout", status: null, request_id: null });
    await api.requests[0]?.closed;
  });

  it("ends when its caller aborts it, with the caller's reason", async () => {
    const client = await meeting([saysNothing]);
    const controller = new AbortController();
    const reason = new Error("enough");
    const call = client.getJob("job_1", { signal: controller.signal });
    await eventually("it is sent", () => api.requests[0]);
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await api.requests[0]?.closed;
    expect(api.requests).toHaveLength(1);
  });

  it("can be aborted while it waits for its next try", async () => {
    const client = await meeting([answer(503, {}, { "retry-after": "30" })]);
    const controller = new AbortController();
    const startedAtMs = performance.now();
    const call = client.createJob(job, { signal: controller.signal });
    const first = await eventually("it is sent", () => api.requests[0]);
    // Once the answer is out, the client can only be waiting, or about to.
    await first.closed;
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    expect(api.requests).toHaveLength(1);
  });

  it("is never sent if it was aborted before", async () => {
    const client = await meeting([accepted]);
    const call = client.createJob(job, { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    expect(api.requests).toHaveLength(0);
  });

  it("leaves nothing on the caller's signal behind", async () => {
    const client = await meeting([hangsUp, answer(200, { id: "job_1" })]);
    const { signal } = new AbortController();
    await client.getJob("job_1", { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("a batch whose items were refused for the moment", () => {
  const one = { status: 201, id: "job_1", job_status: "queued", deduplicated: false };
  const two = { ...one, id: "job_2" };
  const unavailable = { status: 503, error: { code: "unavailable" } };
  const invalid = { status: 400, error: { code: "invalid_input" } };

  it("is sent again with its key, and tells what first became of each", async () => {
    const client = await meeting([
      answer(207, { items: [{ ...one, replayed: false }, unavailable, invalid] }),
      answer(207, {
        items: [
          { ...one, replayed: true, job_status: "success" },
          { ...two, replayed: false },
          invalid,
        ],
      }),
    ]);
    expect(await client.createJobs([job, job, job])).toEqual([
      { ...one, replayed: false },
      { ...two, replayed: false },
      invalid,
    ]);
    expect(new Set(keys()).size).toBe(1);
    expect(new Set(bodies()).size).toBe(1);
  });

  it("ends with what is known when the repeats fail", async () => {
    const client = await meeting(
      [answer(207, { items: [{ ...one, replayed: false }, unavailable] }), hangsUp],
      { retries: 2 },
    );
    expect(await client.createJobs([job, job])).toEqual([{ ...one, replayed: false }, unavailable]);
    expect(api.requests).toHaveLength(3);
  });

  it("is not sent again for items that are refused for good", async () => {
    const client = await meeting([answer(207, { items: [invalid] })]);
    expect(await client.createJobs([job])).toEqual([invalid]);
    expect(api.requests).toHaveLength(1);
  });
});
