import { describe, expect, it, vi } from "vitest";
import type { AttemptRecord, Job, Standing } from "../../../lambdas/core/rules/job.ts";
import { makeHandler } from "../../../lambdas/functions/read-jobs/handler.ts";
import { JOB_ID, NOW_MS, aJob, contentOf } from "../support/a-job.ts";
import { call, silentTelemetry } from "../support/api-event.ts";

const attempt = (n: number): AttemptRecord => ({
  n,
  startedAtMs: NOW_MS,
  finishedAtMs: NOW_MS + 10,
  status: "failed",
  httpStatus: 500,
  error: "http_status: the destination answered 500",
  responseExcerpt: "",
});

const storeOf = (found: Standing) => ({
  read: vi.fn(async () => found),
  readWithContent: vi.fn(async () =>
    found.kind === "job"
      ? { job: found, content: contentOf('{"w": 1.0}', [["X-Api-Key", "s3cret"]]) }
      : undefined,
  ),
  listAttempts: vi.fn(async ({ attempts }: Job, afterN: number, limit: number) =>
    Array.from({ length: attempts }, (_, index) => attempt(index + 1)).slice(
      afterN,
      afterN + limit,
    ),
  ),
});

const get = async (route: "job" | "attempts", found: Standing, id: string = JOB_ID, query = "") => {
  const store = storeOf(found);
  const handler = makeHandler({
    telemetry: silentTelemetry,
    store,
    listJobs: async () => ({ jobs: [], next: undefined }),
    cursorSecret: async () => new Uint8Array(32),
    chance: { bytes: (count) => new Uint8Array(count) },
  });
  const answer = await call(handler, {
    routeKey: route === "job" ? "GET /v1/jobs/{id}" : "GET /v1/jobs/{id}/attempts",
    path: { id },
    query,
  });
  return { ...answer, store };
};

describe("reading a job", () => {
  it("shows it", async () => {
    const { status, body } = await get("job", aJob());
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: JOB_ID, attempts: 0, last_error: null });
  });

  it.each([
    ["nothing", { kind: "absent" }],
    ["a tombstone", { kind: "tombstone", madeAtMs: NOW_MS }],
    ["a pointer", { kind: "pointer", jobId: JOB_ID, createdAtMs: 7, requestHash: "00" }],
  ] as const)("finds none where %s stands", async (_what, found) => {
    expect(await get("job", found)).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect((await get("attempts", found)).status).toBe(404);
  });

  it.each(["job_1", JOB_ID.toLowerCase(), "", "__proto__", `${JOB_ID}?include=payload`])(
    "does not even look for the id %j",
    async (id) => {
      const { status, store } = await get("job", aJob(), id);
      expect(status).toBe(404);
      expect(store.read).not.toHaveBeenCalled();
    },
  );

  it("shows it with what it sends, if that is asked for, and hides what is secret", async () => {
    const { status, text } = await get("job", aJob(), JOB_ID, "include=payload");
    expect(status).toBe(200);
    expect(text).toContain('"payload":{"w": 1.0}');
    expect(text).toContain('"headers":{"X-Api-Key":"***"}');
  });

  it("takes no parameter that it does not know", async () => {
    expect(await get("job", aJob(), JOB_ID, "a=1")).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: "a", detail: expect.any(String) }] },
    });
  });

  it("says that there is no such job before it says what is wrong with the parameters", async () => {
    expect((await get("job", aJob(), "job_1", "a=1")).status).toBe(404);
    expect((await get("job", { kind: "absent" }, JOB_ID, "a=1")).status).toBe(404);
    expect((await get("attempts", aJob(), "job_1", "limit=0")).status).toBe(404);
  });
});

describe("reading a job's attempts", () => {
  const page = async (job: Job, query: string) => {
    const { status, body } = await get("attempts", job, JOB_ID, query);
    expect(status).toBe(200);
    const items = body["items"] as { n: number }[];
    return { numbers: items.map(({ n }) => n), next: body["next_cursor"] as string | null };
  };
  const ofMany = (attempts: number) => aJob({ state: "dlq", attempts, maxAttempts: attempts });

  it("goes through all of them, page by page, each once", async () => {
    const numbers: number[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "limit=7" : `limit=7&cursor=${cursor}`;
      const { numbers: more, next } = await page(ofMany(20), query);
      numbers.push(...more);
      cursor = next;
    } while (cursor !== null);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it("ends with a full page where nothing follows", async () => {
    expect(await page(ofMany(7), "limit=7")).toMatchObject({ next: null });
    expect((await page(ofMany(50), "")).next).toBeNull();
    expect((await page(ofMany(51), "")).next).not.toBeNull();
    expect(await page(aJob(), "")).toEqual({ numbers: [], next: null });
  });

  it("tells every wrong parameter at once", async () => {
    const { status, body } = await get("attempts", aJob(), JOB_ID, "limit=0&cursor=x&a=1");
    expect(status).toBe(400);
    expect(body["errors"]).toEqual(
      expect.arrayContaining([
        { parameter: "a", detail: expect.any(String) },
        { parameter: "limit", detail: expect.any(String) },
        { parameter: "cursor", detail: expect.any(String) },
      ]),
    );
  });
});
