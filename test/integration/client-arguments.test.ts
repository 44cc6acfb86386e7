import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PulseGate, PulseGateError } from "../../lib/client/index.ts";
import type { JobRequest } from "../../lib/client/index.ts";
import { runCli } from "../support/cli.ts";
import { answer, startMisbehavingApi } from "../support/misbehaving-api.ts";
import type { MisbehavingApi } from "../support/misbehaving-api.ts";

/** What a caller hands in that cannot be sent: an error like every other, and nothing is sent. */

let api: MisbehavingApi;
let client: PulseGate;
beforeEach(async () => {
  api = await startMisbehavingApi(answer(200, { id: "job_1", status: "queued", items: [] }));
  client = new PulseGate({ baseUrl: api.url });
});
afterEach(() => api.stop());

const job: JobRequest = {
  tenant_id: "t1",
  type: "webhook.dispatch",
  destination: { url: "http://a.test/" },
};
const id = "job_01K8YV3W5XN5T0Y2M1Q7R9S4AB";

/** The error of a call, which must reject with it rather than throw it. */
const errorOf = async (call: () => Promise<unknown>): Promise<unknown> => {
  const called = call();
  return called.then(
    () => undefined,
    (error: unknown) => error,
  );
};

const expectInvalid = async (call: () => Promise<unknown>, part: string) => {
  const error = await errorOf(call);
  expect(error).toBeInstanceOf(PulseGateError);
  expect(error).toMatchObject({ code: "invalid_argument", status: null, errors: [] });
  expect((error as Error).message).toContain(part);
  expect(api.requests).toHaveLength(0);
};

describe("an id that is none", () => {
  const calls: readonly (readonly [string, (id: string) => Promise<unknown>])[] = [
    ["getJob", (bad) => client.getJob(bad)],
    ["getJobWithPayload", (bad) => client.getJobWithPayload(bad)],
    ["getJobText", (bad) => client.getJobText(bad)],
    ["cancelJob", (bad) => client.cancelJob(bad)],
    ["retryJob", (bad) => client.retryJob(bad)],
    ["attempts", (bad) => client.attempts(bad).pages().next()],
  ];

  it.each(calls)("calls no other route: %s", async (_, call) => {
    const others = [`${id}/attempts`, `${id}/cancel`, `${id}%2Fcancel`, `${id}?include=payload`];
    for (const bad of ["", ".", "..", "batch", "job_", ` ${id}`, ...others]) {
      await expectInvalid(() => call(bad), JSON.stringify(bad));
    }
    await expectInvalid(() => call(undefined as never), "undefined is no job's id");
  });

  it.each(["get", "attempts", "cancel", "retry"])(
    "is wrong usage of `pulsegate jobs %s`",
    async (command) => {
      for (const bad of ["", `${id}/attempts`]) {
        const args = ["jobs", command, bad, "--url", api.url];
        const { status, stdout, stderr } = await runCli(args);
        expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
        expect(stderr).toContain(`"${bad}" is no job's id`);
        expect(stderr).toContain(`pulsegate jobs ${command} --help`);
      }
      expect(api.requests).toHaveLength(0);
    },
  );
});

describe("a job that has no JSON", () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;

  it.each([
    ["a bigint", { ...job, payload: 10n }, "BigInt"],
    ["a circle", { ...job, payload: circular }, "circular"],
    ["nothing", undefined, "must not be undefined"],
    ["a function", () => job, "must not be function"],
  ])("is refused: %s", async (_, bad, part) => {
    await expectInvalid(() => client.createJob(bad as never), part);
    await expectInvalid(() => client.createJobs([job, bad as never]), part);
    await expectInvalid(() => client.createJobs([bad as never], { split: true }), part);
  });

  it("is refused: a batch that is no array", async () => {
    await expectInvalid(() => client.createJobs(undefined as never), "must be an array");
  });
});

describe("a header that cannot be sent", () => {
  it.each(["日", "a\nb"])("is refused as an idempotency key: %j", async (idempotencyKey) => {
    const part = "idempotency key";
    await expectInvalid(() => client.createJob(job, { idempotencyKey }), part);
    await expectInvalid(() => client.createJobs([job], { idempotencyKey }), part);
    await expectInvalid(() => client.retryJob(id, { idempotencyKey }), part);
    expect(await errorOf(() => client.retryJob(id, { idempotencyKey }))).toMatchObject({
      idempotencyKey,
    });
  });

  it("is refused as a header of the client's, by its name", async () => {
    client = new PulseGate({ baseUrl: api.url, headers: { authorization: "日" } });
    await expectInvalid(() => client.getJob(id), "header authorization");
  });
});

describe("a signal that was aborted", () => {
  it("has the call reject with its reason, as fetch does", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    expect(await errorOf(() => client.getJob(id, { signal }))).toBe(reason);
    expect(await errorOf(() => client.createJob(job, { signal }))).toBe(reason);
    expect(api.requests).toHaveLength(0);
  });
});
