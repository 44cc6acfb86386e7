import { describe, expect, it } from "vitest";
import { makeHandler } from "../../../lambdas/functions/system/handler.ts";
import { call, silentTelemetry } from "../support/api-event.ts";
import type { Call } from "../support/api-event.ts";

const answers = async () => undefined;
const silence = async () => Promise.reject(new Error("pulsegate-jobs-table: no answer"));

const ask = (request: Call, checks: Record<string, () => Promise<void>> = { table: answers }) =>
  call(makeHandler({ telemetry: silentTelemetry, checks }), request);

const askUnknown = (method: string, rawPath: string) =>
  call(makeHandler({ telemetry: silentTelemetry, checks: {} }), {
    routeKey: "$default",
    rawPath,
    method,
  });

describe("health and readiness", () => {
  it("are told apart: a process answers although what it stands on does not", async () => {
    expect((await ask({ routeKey: "GET /healthz" }, { table: silence })).status).toBe(200);
    expect((await ask({ routeKey: "GET /readyz" }, { table: silence })).status).toBe(503);
    expect((await ask({ routeKey: "GET /readyz" })).status).toBe(200);
    expect((await ask({ routeKey: "HEAD /readyz" })).status).toBe(200);
  });

  it("name everything that does not answer, and nothing of what it said", async () => {
    const checks = { table: silence, "queue high": answers, "queue low": silence };
    const { headers, body } = await ask({ routeKey: "GET /readyz" }, checks);
    expect(headers).toMatchObject({ "retry-after": expect.stringMatching(/^\d+$/) });
    expect(body).toMatchObject({
      code: "unavailable",
      detail: "No answer from: table, queue low.",
    });
    expect(JSON.stringify(body)).not.toContain("pulsegate-jobs-table");
  });
});

describe("a question about health", () => {
  it.each(["GET /healthz", "HEAD /readyz"])("takes no parameters: %s", async (routeKey) => {
    expect((await ask({ routeKey, query: "a=1" })).status).toBe(400);
  });
});

describe("a route that nobody serves", () => {
  it.each([
    ["GET", "/"],
    ["GET", "/v1"],
    ["POST", "/v1/jobs/"],
    ["POST", "/v1//jobs"],
    ["GET", "/v1/jobs/job_1/"],
    ["GET", "/v1/jobs//attempts"],
    ["GET", "/healthz/"],
    ["GET", "/v1/jobs/a/b"],
    ["GET", "/$default"],
  ])("is unknown: %s %s", async (method, path) => {
    expect(await askUnknown(method, path)).toMatchObject({
      status: 404,
      headers: { "content-type": "application/problem+json" },
      body: { code: "not_found" },
    });
  });

  it.each([
    ["PUT", "/v1/jobs", "POST, GET"],
    ["PUT", "/v1/jobs/batch", "POST"],
    ["GET", "/v1/jobs/job_1/cancel", "POST"],
    ["DELETE", "/v1/jobs/job_1", "GET"],
    ["HEAD", "/v1/jobs/job_1", "GET"],
    ["OPTIONS", "/v1/jobs/job_1/attempts", "GET"],
    ["POST", "/healthz", "GET, HEAD"],
    ["OPTIONS", "/readyz", "GET, HEAD"],
  ])("is known by another method: %s %s", async (method, path, allow) => {
    expect(await askUnknown(method, path)).toMatchObject({
      status: 405,
      headers: { allow, "content-type": "application/problem+json" },
      body: { code: "method_not_allowed" },
    });
  });
});
