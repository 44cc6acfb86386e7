import { describe, expect, it, vi } from "vitest";
import { parseAllowList } from "../../../lambdas/core/rules/destination-policy.ts";
import type { Acceptance as AnyAcceptance } from "../../../lambdas/core/usecases/accept-jobs.ts";
import { makeHandler } from "../../../lambdas/functions/create-jobs/handler.ts";
import { JOB_ID } from "../support/a-job.ts";
import { call, silentTelemetry } from "../support/api-event.ts";
import { minimalJob } from "../support/job-requests.ts";

type Acceptance = Extract<AnyAcceptance, { kind: "accepted" }>;

const accepted: Acceptance = {
  kind: "accepted",
  id: JOB_ID,
  status: "queued",
  isReplay: false,
  isDeduplicated: false,
};

interface Posted {
  readonly headers?: Record<string, string>;
  readonly query?: string;
  readonly answers?: Partial<Acceptance>;
}

const postTo = async (
  routeKey: string,
  body: string | object,
  { headers = {}, query = "", answers = {} }: Posted = {},
) => {
  const acceptJobs = vi.fn(async (jobs: readonly unknown[]) =>
    jobs.map(() => ({ ...accepted, ...answers })),
  );
  const handler = makeHandler({
    telemetry: silentTelemetry,
    allow: parseAllowList(""),
    acceptJobs,
  });
  const answer = await call(handler, {
    routeKey,
    query,
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { ...answer, acceptJobs };
};
const post = (body: string | object, more?: Posted) => postTo("POST /v1/jobs", body, more);

const wrongKey = { "idempotency-key": "é" };
const large = JSON.stringify({ ...minimalJob, payload: "a".repeat(262_144) });

describe("posting a job", () => {
  it("answers with its id, its status and where to find it", async () => {
    const { status, headers, body } = await post(minimalJob);
    expect(status).toBe(201);
    expect(body).toEqual({ id: JOB_ID, status: "queued" });
    expect(headers).toMatchObject({ location: `/v1/jobs/${JOB_ID}` });
    expect(headers).not.toHaveProperty("idempotency-replayed");
  });

  it("says of a replay that it is one", async () => {
    const answer = await post(minimalJob, {
      headers: { "idempotency-key": "k" },
      answers: { isReplay: true },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ "idempotency-replayed": "true" });
    expect(answer.acceptJobs).toHaveBeenCalledWith([
      {
        request: expect.objectContaining({ tenantId: "t1" }),
        requestHash: expect.stringMatching(/^[0-9a-f]{32}$/),
        idempotencyKey: "k",
      },
    ]);
  });

  it("says of a job that a dedupe key holds that it is not a new one", async () => {
    const answer = await post(
      { ...minimalJob, dedupe_key: "d" },
      { answers: { isDeduplicated: true } },
    );
    expect(answer).toMatchObject({
      status: 200,
      body: { id: JOB_ID, status: "queued", deduplicated: true },
    });
  });

  it.each([
    ["another content type", "{}", { headers: { "content-type": "text/plain" } }, 415],
    ["no JSON", "no", {}, 400],
    ["an unknown field", { ...minimalJob, nope: 1 }, {}, 400],
    ["an unknown parameter", minimalJob, { query: "a=1" }, 400],
    ["an idempotency key that is none", minimalJob, { headers: wrongKey }, 400],
    ["a payload that is too large", large, {}, 413],
  ])("hands nothing on with %s", async (_fault, body, more, status) => {
    const answer = await post(body, more);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status, code: expect.any(String) });
    expect(answer.acceptJobs).not.toHaveBeenCalled();
  });

  it("is told of a payload that is too large before it is told of any mistake", async () => {
    expect((await post(large, { query: "a=1" })).status).toBe(413);
    expect((await post(large, { headers: wrongKey })).status).toBe(413);
  });

  it("is told of every mistake at once, those of parameters and headers, too", async () => {
    const { body } = await post({ ...minimalJob, nope: 1 }, { headers: wrongKey, query: "a=1" });
    expect(body["errors"]).toEqual(
      expect.arrayContaining([
        { pointer: "/nope", detail: expect.any(String) },
        { parameter: "a", detail: expect.any(String) },
        { header: "Idempotency-Key", detail: expect.any(String) },
      ]),
    );
  });
});

describe("posting a batch", () => {
  it("answers for each item in the order sent, also for those that are refused", async () => {
    const batch = { jobs: [minimalJob, {}, minimalJob] };
    const { status, headers, body, acceptJobs } = await postTo("POST /v1/jobs/batch", batch);
    expect(status).toBe(207);
    expect(headers).not.toHaveProperty("retry-after");
    const created = {
      status: 201,
      id: JOB_ID,
      job_status: "queued",
      deduplicated: false,
      replayed: false,
    };
    expect(body["items"]).toEqual([
      created,
      { status: 400, error: expect.objectContaining({ code: "invalid_input" }) },
      created,
    ]);
    expect(acceptJobs).toHaveBeenCalledWith([
      expect.objectContaining({ batchItem: 0 }),
      expect.objectContaining({ batchItem: 2 }),
    ]);
  });

  it("is refused whole for a fault of its envelope", async () => {
    const answer = await postTo("POST /v1/jobs/batch", { jobs: [] });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_input" } });
    expect(answer.acceptJobs).not.toHaveBeenCalled();
  });
});
