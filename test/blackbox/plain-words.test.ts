import { describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { ProblemView } from "../support/api.ts";

/** A mistake is told in words of the API's own, never in those of the validator behind it. */

const api = apiAt(inject("baseUrl"));
const url = "https://example.com/hook";

const errorsOf = async (response: Response): Promise<ProblemView["errors"]> =>
  ((await response.json()) as ProblemView).errors;

describe("what is wrong with a job", () => {
  const ms = "must be a whole number from 100 to 30000";
  const delay = "must be a whole number from 100 to 86400000";
  const schedule = "must be an array of 1 to 49 delays";
  const maxDelay = "must be a whole number of at most 86400000";
  const port = "must have a port from 1 to 65535";

  it.each([
    [{}, { timeout_ms: 99 }, "/destination/timeout_ms", ms],
    [{}, { timeout_ms: 30_001 }, "/destination/timeout_ms", ms],
    [{}, { timeout_ms: 100.5 }, "/destination/timeout_ms", ms],
    [{}, { timeout_ms: "100" }, "/destination/timeout_ms", ms],
    [{}, { timeout_ms: 1e300 }, "/destination/timeout_ms", ms],
    [{}, { timeout_ms: -1e300 }, "/destination/timeout_ms", ms],
    [{}, { timeout_ms: null }, "/destination/timeout_ms", ms],
    [{}, { method: "post" }, "/destination/method", "must be one of POST, PUT, PATCH, GET, DELETE"],
    [{}, { url: 1 }, "/destination/url", "must be a string"],
    [{}, { url: undefined }, "/destination/url", "is required"],
    [{}, { url: "http://a.test:65536/" }, "/destination/url", port],
    [{}, { url: "http://a.test:0/" }, "/destination/url", port],
    [{}, { url: "http://[2001:4860::1]:99999/" }, "/destination/url", port],
    [{ destination: [] }, {}, "/destination", "must be an object"],
    [{ destination: undefined }, {}, "/destination", "is required"],
    [{ tenant_id: 1 }, {}, "/tenant_id", "must be a string"],
    [{ tenant_id: null }, {}, "/tenant_id", "must be a string"],
    [{ priority: "urgent" }, {}, "/priority", "must be one of high, normal, low"],
    [{ execute_at: 1 }, {}, "/execute_at", "must be a string"],
    [
      { execute_at: "0000-01-01T00:00:00+23:59" },
      {},
      "/execute_at",
      "must not be before the year 0 in UTC",
    ],
    [
      { retry: { max_attempts: 0 } },
      {},
      "/retry/max_attempts",
      "must be a whole number from 1 to 50",
    ],
    [{ retry: { schedule_ms: [] } }, {}, "/retry/schedule_ms", schedule],
    [
      { retry: { schedule_ms: Array.from({ length: 50 }, () => 100) } },
      {},
      "/retry/schedule_ms",
      schedule,
    ],
    [{ retry: { schedule_ms: 100 } }, {}, "/retry/schedule_ms", schedule],
    [{ retry: { schedule_ms: [100, 1] } }, {}, "/retry/schedule_ms/1", delay],
    [{ retry: { max_delay_ms: 1e9 } }, {}, "/retry/max_delay_ms", maxDelay],
    [{ retry: 5 }, {}, "/retry", "must be an object"],
    [{ metadata: [] }, {}, "/metadata", "must be an object of strings"],
  ])("is said plainly: %j, %j", async (more, destination, pointer, detail) => {
    const response = await api.post(jobTo(url, more, destination));
    expect(response.status).toBe(400);
    expect(await errorsOf(response)).toEqual([{ pointer, detail }]);
  });

  it("is said of a number that is whole only once it is rounded", async () => {
    const job = JSON.stringify(jobTo(url, { retry: { max_attempts: 0 }, payload: { n: 0 } }));
    const text = job.replaceAll(/:0\b/g, ":2.99999999999999999999");
    const response = await api.post(text);
    expect(response.status).toBe(400);
    expect(await errorsOf(response)).toEqual([
      {
        pointer: "/retry/max_attempts",
        detail: "has more digits behind the point than can be read",
      },
    ]);
  });

  it.each([
    ["[]", "", "must be an object"],
    [JSON.stringify({ jobs: 1 }), "/jobs", "must be an array of 1 to 100 jobs"],
    [JSON.stringify({ jobs: [] }), "/jobs", "must be an array of 1 to 100 jobs"],
    ["{}", "/jobs", "is required"],
  ])("is said plainly of a batch: %s", async (body, pointer, detail) => {
    const response = await api.rawBatch(body);
    expect(response.status).toBe(400);
    expect(await errorsOf(response)).toEqual([{ pointer, detail }]);
  });
});

describe("a content type", () => {
  const charset = "must have the charset utf-8, or none";
  const parameter = "must have no parameter but charset=utf-8";

  it.each([
    ["text/plain", "must be application/json"],
    ["application/jsonp", "must be application/json"],
    ["application/json; charset=utf-16", charset],
    ["application/json;charset=", charset],
    ["application/json; charset=utf-8; charset=utf-8", charset],
    ["application/json; version=1", parameter],
    ["application/json; charset=utf-8; version=1", parameter],
  ])("that is refused is told what is wrong: %s", async (contentType, detail) => {
    const response = await api.post(jobTo(url), { "content-type": contentType });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      code: "unsupported_media_type",
      detail: `The content type ${detail}.`,
      errors: [{ header: "content-type", detail }],
    });
  });

  it.each(["Application/JSON", "application/json;", 'application/json ; charset = "UTF-8" '])(
    "is taken: %s",
    async (contentType) => {
      const later = new Date(Date.now() + 600_000).toISOString();
      const job = jobTo(url, { execute_at: later });
      expect((await api.post(job, { "content-type": contentType })).status).toBe(201);
    },
  );
});
