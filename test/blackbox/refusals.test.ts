import { describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { ProblemView } from "../support/api.ts";

const api = apiAt(inject("baseUrl"));
const url = "https://example.com/hook";

const problemOf = async (response: Response): Promise<ProblemView> => {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = (await response.json()) as ProblemView;
  expect(problem.status).toBe(response.status);
  expect(problem.type).toContain(`#${problem.code}`);
  expect(problem.request_id).toBe(response.headers.get("x-request-id"));
  return problem;
};

const refusal = async (
  body: string | object,
  headers?: Record<string, string>,
): Promise<ProblemView> => problemOf(await api.post(body, headers));

describe("a request that is wrong is told why", () => {
  it("lists every mistake at once, each where it stands", async () => {
    const problem = await refusal({
      tenant_id: "no blanks",
      payload: 1,
      priorty: "high",
      destination: { url: "ftp://x", timeout_ms: 1, headers: { Host: "a" } },
      retry: { max_attempts: "8" },
    });
    expect(problem).toMatchObject({ status: 400, code: "invalid_input" });
    expect(problem.errors.map(({ pointer }) => pointer).toSorted()).toEqual([
      "/destination/headers/Host",
      "/destination/timeout_ms",
      "/destination/url",
      "/priorty",
      "/retry/max_attempts",
      "/tenant_id",
      "/type",
    ]);
  });

  it.each([
    ["no JSON", "{", ""],
    ["a key that stands twice", `{"tenant_id":"a","tenant_id":"b"}`, "/tenant_id"],
    ["a key that stands twice, once escaped", String.raw`{"type":"a","t\u0079pe":"b"}`, "/type"],
    ["a body that is no object", "[]", ""],
  ])("refuses %s", async (_, body, pointer) => {
    const problem = await refusal(body);
    expect(problem).toMatchObject({ status: 400, code: "invalid_input" });
    expect(problem.errors.map((mistake) => mistake.pointer)).toContain(pointer);
  });

  it.each(["text/plain", "application/json;charset=utf-16", "application/x-www-form-urlencoded"])(
    "refuses content type %s",
    async (contentType) => {
      const problem = await refusal(jobTo(url), { "content-type": contentType });
      expect(problem).toMatchObject({ status: 415, code: "unsupported_media_type" });
    },
  );

  it("refuses a payload that is one byte too long, and a body that is", async () => {
    const payload = "a".repeat(262_144 - 1);
    expect(await refusal(jobTo(url, { payload }))).toMatchObject({
      status: 413,
      code: "payload_too_large",
      errors: [{ pointer: "/payload" }],
    });
    expect(await refusal(" ".repeat(524_289))).toMatchObject({ status: 413 });
  });

  it("refuses 10 MB of brackets, and metadata 10,000 levels deep, and goes on", async () => {
    expect(await refusal("[".repeat(10_000_000))).toMatchObject({ status: 413 });
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    const body = JSON.stringify(jobTo(url, { metadata: { deep: "DEEP" } })).replace('"DEEP"', deep);
    expect(await refusal(body)).toMatchObject({
      status: 400,
      errors: [{ pointer: "/metadata/deep" }],
    });
    expect((await fetch(`${api.baseUrl}/healthz`)).status).toBe(200);
  });

  it.each([
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://2852039166/",
    "http://[fd00::1]/",
    "http://[::ffff:10.0.0.1]/",
  ])("refuses the forbidden destination %s", async (forbidden) => {
    expect(await refusal(jobTo(forbidden))).toMatchObject({
      status: 400,
      errors: [{ pointer: "/destination/url" }],
    });
  });
});

describe("what is not there", () => {
  it.each([
    "/v1/jobs/job_1",
    "/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "/v1/jobs/%00",
    "/nothing",
  ])("%s is 404", async (path) => {
    const response = await fetch(`${api.baseUrl}${path}`);
    expect(await problemOf(response)).toMatchObject({ status: 404, code: "not_found" });
  });

  it.each(["/v1/jobs/", "/v1//jobs", "/healthz/"])("%s is another path, and 404", async (path) => {
    const response = await fetch(`${api.baseUrl}${path}`);
    expect(await problemOf(response)).toMatchObject({ status: 404 });
  });

  it.each([
    ["PUT", "/v1/jobs", "POST, GET"],
    ["DELETE", "/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV", "GET"],
    ["POST", "/healthz", "GET, HEAD"],
    ["OPTIONS", "/v1/jobs/batch", "POST"],
    ["GET", "/v1/jobs/batch", "POST"],
    ["GET", "/v1/jobs/batch?include=payload", "POST"],
  ])("%s %s is 405 and names what is allowed", async (method, path, allow) => {
    const response = await fetch(`${api.baseUrl}${path}`, { method });
    expect(response.headers.get("allow")).toBe(allow);
    expect(await problemOf(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
  });

  it.each([
    "?limit=0",
    "?limit=101",
    "?limit=05",
    "?limit=",
    "?limit=5&limit=5",
    "?x=1",
    "?cursor=x",
  ])("a query of %s is 400 and names the parameter", async (query) => {
    const executeAt = new Date(Date.now() + 600_000).toISOString();
    const id = await api.accepted(jobTo(url, { execute_at: executeAt }));
    const path = `/v1/jobs/${id}/attempts${query}`;
    const problem = await problemOf(await fetch(`${api.baseUrl}${path}`));
    expect(problem).toMatchObject({ status: 400, code: "invalid_input" });
    expect(problem.errors[0]?.parameter).toBe(/\?(\w+)/.exec(query)?.[1]);
  });
});

describe("a HEAD", () => {
  it("of a route that has none is 405, and has no body", async () => {
    const response = await fetch(`${api.baseUrl}/v1/jobs`, { method: "HEAD" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST, GET");
    expect(await response.text()).toBe("");
  });
});

describe("the system says how it is", () => {
  it.each(["/healthz", "/readyz"])("%s answers 200, to HEAD too", async (path) => {
    for (const method of ["GET", "HEAD"]) {
      expect((await fetch(`${api.baseUrl}${path}`, { method })).status).toBe(200);
    }
  });

  it("takes the caller's request id if it is fit for a log, else its own", async () => {
    const idFor = async (given: string) =>
      (await fetch(`${api.baseUrl}/healthz`, { headers: { "x-request-id": given } })).headers.get(
        "x-request-id",
      );
    expect(await idFor("my-id_1.2")).toBe("my-id_1.2");
    for (const unfit of ["a,b", "x".repeat(129), "a b"]) {
      expect(await idFor(unfit)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe("an answer stays small, whatever was sent", () => {
  const twice = (count: number) => Array.from({ length: count }, () => `"a":1`).join(",");
  it.each([
    ["a long key over many mistakes", `{"${"k".repeat(100_000)}":{${twice(60_000)}}}`],
    ["mistakes at 10,000 levels", `${`{"a":1,"a":`.repeat(10_000)}1${"}".repeat(10_000)}`],
    ["90,000 empty keys", `{${Array.from({ length: 60_000 }, () => `"":1`).join(",")}}`],
    [
      "60,000 unknown fields",
      `{${Array.from({ length: 40_000 }, (_, n) => `"${n}":1`).join(",")}}`,
    ],
  ])("%s", async (_, body) => {
    const response = await api.post(body);
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text.length).toBeLessThan(50_000);
    expect((JSON.parse(text) as ProblemView).errors.length).toBeGreaterThan(0);
    expect((await fetch(`${api.baseUrl}/healthz`)).status).toBe(200);
  });
});

it("lists the mistakes of body, query and headers together", async () => {
  const response = await fetch(`${api.baseUrl}/v1/jobs?x=1`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": "é" },
    body: JSON.stringify(jobTo(url, { tenant_id: "a b" })),
  });
  const { errors } = await problemOf(response);
  expect(errors).toMatchObject([
    { pointer: "/tenant_id" },
    { header: "Idempotency-Key" },
    { parameter: "x" },
  ]);
});
