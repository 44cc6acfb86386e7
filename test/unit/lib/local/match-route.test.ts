import { describe, expect, it } from "vitest";
import { matchRoute } from "../../../../lib/local/match-route.ts";
import { functions } from "../../../../lib/topology.ts";
import type { FunctionTopology } from "../../../../lib/topology.ts";

const routeKeys = Object.values<FunctionTopology>(functions).flatMap(({ routes = [] }) => routes);
const DEFAULT = { routeKey: "$default", pathParameters: {} };

describe("a request's route", () => {
  it.each([
    ["POST", "/v1/jobs", "POST /v1/jobs", {}],
    ["POST", "/v1/jobs/batch", "POST /v1/jobs/batch", {}],
    ["POST", "/v1/jobs/job_1/cancel", "POST /v1/jobs/{id}/cancel", { id: "job_1" }],
    ["POST", "/v1/jobs/batch/retry", "POST /v1/jobs/{id}/retry", { id: "batch" }],
    ["GET", "/v1/jobs", "GET /v1/jobs", {}],
    ["GET", "/v1/jobs/batch", "GET /v1/jobs/{id}", { id: "batch" }],
    ["GET", "/v1/jobs/job_1", "GET /v1/jobs/{id}", { id: "job_1" }],
    ["GET", "/v1/jobs/a b%", "GET /v1/jobs/{id}", { id: "a b%" }],
    ["GET", "/v1/jobs/attempts", "GET /v1/jobs/{id}", { id: "attempts" }],
    ["GET", "/v1/jobs/__proto__", "GET /v1/jobs/{id}", { id: "__proto__" }],
    ["GET", "/v1/jobs/job_1/attempts", "GET /v1/jobs/{id}/attempts", { id: "job_1" }],
    ["GET", "/healthz", "GET /healthz", {}],
    ["HEAD", "/healthz", "HEAD /healthz", {}],
    ["HEAD", "/readyz", "HEAD /readyz", {}],
  ])("is found by method and path: %s %s", (method, path, routeKey, pathParameters) => {
    expect(matchRoute(routeKeys, method, path)).toEqual({ routeKey, pathParameters });
  });

  it.each([
    ["PUT", "/v1/jobs"],
    ["HEAD", "/v1/jobs/job_1"],
    ["OPTIONS", "/healthz"],
    ["get", "/healthz"],
    ["GET", "/v1/jobs/"],
    ["POST", "/v1/jobs/"],
    ["POST", "/v1//jobs"],
    ["POST", "//v1/jobs"],
    ["POST", "/V1/jobs"],
    ["POST", "v1/jobs"],
    ["GET", "/v1/jobs/job_1/"],
    ["GET", "/v1/jobs//attempts"],
    ["GET", "/v1/jobs/job_1/attempts/"],
    ["GET", "/v1/jobs/a/b"],
    ["GET", "/healthz/"],
    ["GET", "/healthzz"],
    ["GET", "/"],
    ["GET", ""],
    ["GET", "/v1/jobs/{id}/nothing"],
  ])("is the default where none fits: %s %s", (method, path) => {
    expect(matchRoute(routeKeys, method, path)).toEqual(DEFAULT);
  });

  it("is the default without routes, and $default is no path of its own", () => {
    expect(matchRoute([], "GET", "/healthz")).toEqual(DEFAULT);
    expect(matchRoute(["$default"], "$default", "")).toMatchObject({ routeKey: "$default" });
  });
});
