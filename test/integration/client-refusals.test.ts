import { afterEach, describe, expect, it } from "vitest";
import { PulseGate, PulseGateError } from "../../lib/client/index.ts";
import type { PulseGateOptions } from "../../lib/client/index.ts";
import { answer, startMisbehavingApi } from "../support/misbehaving-api.ts";
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

const errorOf = async (call: Promise<unknown>): Promise<PulseGateError> => {
  const error: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error instanceof PulseGateError) return error;
  throw new Error("no PulseGateError came", { cause: error });
};

describe("a call that was refused", () => {
  const refusals = [
    [400, "invalid_input"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "not_found"],
    [405, "method_not_allowed"],
    [409, "unexpected_answer"],
    [413, "payload_too_large"],
    [415, "unsupported_media_type"],
    [431, "payload_too_large"],
    [501, "unexpected_answer"],
  ] as const;

  it.each(refusals)(
    "with %i by the gateway alone is not repeated, and is %s",
    async (status, code) => {
      const client = await meeting([
        answer(status, { message: "No" }, { "apigw-requestid": "gw-1", "retry-after": "1" }),
      ]);
      const error = await errorOf(client.createJob(job));
      expect(error).toMatchObject({ code, status, message: "No", request_id: "gw-1", errors: [] });
      expect(api.requests).toHaveLength(1);
    },
  );

  it("says every mistake that the problem says", async () => {
    const errors = [
      { pointer: "/type", detail: "is required" },
      { header: "Idempotency-Key", detail: "must be shorter" },
      { parameter: "limit", detail: "must be a number" },
    ];
    const problem = { code: "one_of_tomorrow", detail: "No.", request_id: "r", errors };
    const client = await meeting([answer(422, problem)]);
    expect(await errorOf(client.createJob(job))).toMatchObject({
      code: "one_of_tomorrow",
      status: 422,
      message: "No.",
      errors,
    });
  });

  it("by a redirect is not sent elsewhere", async () => {
    const client = await meeting([answer(307, "", { location: "/elsewhere" })]);
    expect(await errorOf(client.getJob("job_1"))).toMatchObject({
      code: "unexpected_answer",
      status: 307,
    });
    expect(api.requests).toHaveLength(1);
  });

  it.each([
    ["createJob", (client: PulseGate) => client.createJob(job)],
    ["createJobs", (client: PulseGate) => client.createJobs([job])],
    ["getJob", (client: PulseGate) => client.getJob("job_1")],
    ["getJobText", (client: PulseGate) => client.getJobText("job_1")],
    ["listJobs", (client: PulseGate) => client.listJobs({ tenant_id: "t1" }).pages().next()],
  ])("by something that is no PulseGate is an error of %s", async (_, call) => {
    const client = await meeting([answer(200, "<html>Welcome</html>")]);
    expect(await errorOf(call(client))).toMatchObject({ code: "unexpected_answer", status: 200 });
    expect(api.requests).toHaveLength(1);
  });
});

describe("health and readiness", () => {
  it("are asked once: a 503 is the answer", async () => {
    const client = await meeting([
      answer(503, { code: "unavailable", detail: "No answer from: table." }),
    ]);
    expect(await client.ready()).toEqual({ ready: false, detail: "No answer from: table." });
    await errorOf(client.health());
    expect(api.requests.map(({ path }) => path)).toEqual(["/readyz", "/healthz"]);
  });
});

describe("a client", () => {
  it("takes a base with a path of its own, and sends the headers that it was given", async () => {
    api = await startMisbehavingApi(answer(200, {}));
    const headers = { authorization: "Bearer pgk_1" };
    await new PulseGate({ baseUrl: `${api.url}/stage/`, headers }).getJob("job_1");
    expect(api.requests[0]?.path).toBe("/stage/v1/jobs/job_1");
    expect(api.requests[0]?.headers["authorization"]).toBe("Bearer pgk_1");
  });

  it("sends its requests by the fetch that it was given", async () => {
    api = await startMisbehavingApi();
    const seen: string[] = [];
    const client = new PulseGate({
      baseUrl: "https://api.test",
      fetch: (input) => {
        seen.push(input instanceof Request ? input.url : input.toString());
        return Promise.resolve(Response.json({ id: "job_1" }));
      },
    });
    expect(await client.getJob("job_1")).toEqual({ id: "job_1" });
    expect(seen).toEqual(["https://api.test/v1/jobs/job_1"]);
  });

  it("refuses an address that is none", async () => {
    await meeting([]);
    for (const baseUrl of ["", "127.0.0.1:8080", "ftp://a.test", "http://a.test/?x=1"]) {
      expect(() => new PulseGate({ baseUrl })).toThrow(TypeError);
    }
  });
});
