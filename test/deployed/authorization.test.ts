import { readFileSync } from "node:fs";
import { request } from "node:https";
import { describe, expect, inject, it } from "vitest";

const { unsignedUrl, environment } = inject("deployment");
const certificate = environment["NODE_EXTRA_CA_CERTS"];

const statusOf = (method: string, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(
      `${unsignedUrl}${path}`,
      { method, ...(certificate === undefined ? {} : { ca: readFileSync(certificate) }) },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    )
      .on("error", reject)
      .end();
  });

describe("whoever signs nothing", () => {
  it.each([
    ["POST", "/v1/jobs"],
    ["POST", "/v1/jobs/batch"],
    ["GET", "/v1/jobs?tenant_id=t1"],
    ["GET", "/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
    ["GET", "/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV/attempts"],
    ["POST", "/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel"],
    ["POST", "/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV/retry"],
    ["PUT", "/v1/signing-secrets"],
    ["GET", "/v1/signing-secrets?tenant_id=t1"],
    ["DELETE", "/v1/signing-secrets?tenant_id=t1&id=sec_1"],
  ])("may not call %s %s", async (method, path) => {
    expect(await statusOf(method, path)).toBe(403);
  });

  it.each([
    ["GET", "/healthz", 200],
    ["GET", "/readyz", 200],
    ["GET", "/openapi.json", 200],
    ["GET", "/nothing", 404],
  ])("may call %s %s", async (method, path, status) => {
    expect(await statusOf(method, path)).toBe(status);
  });
});
