import { describe, expect, it } from "vitest";
import { attemptView, jobView, jobViewWithContent } from "../../../lambdas/contract/job-view.ts";
import { JOB_ID, NOW_MS, aJob, contentOf, leaseLeft } from "../support/a-job.ts";

const NOW = "2023-11-14T22:13:20.000Z";

describe("a job as it is shown", () => {
  it("has every field, and null where one does not apply", () => {
    expect(jobView(aJob(), NOW_MS)).toStrictEqual({
      id: JOB_ID,
      tenant_id: "t1",
      type: "webhook.dispatch",
      status: "queued",
      priority: "normal",
      created_at: NOW,
      updated_at: NOW,
      execute_at: null,
      next_attempt_at: NOW,
      attempts: 0,
      max_attempts: 8,
      last_error: null,
      destination: { url: "https://receiver.example/hook", method: "POST" },
      dedupe_key: null,
      metadata: {},
    });
  });

  it("shows times in UTC with milliseconds", () => {
    const job = aJob({
      executeAtMs: NOW_MS + 1_001,
      dueAtMs: NOW_MS + 2_002,
      updatedAtMs: NOW_MS + 3,
    });
    expect(jobView(job, NOW_MS)).toMatchObject({
      status: "scheduled",
      updated_at: "2023-11-14T22:13:20.003Z",
      execute_at: "2023-11-14T22:13:21.001Z",
      next_attempt_at: "2023-11-14T22:13:22.002Z",
    });
  });

  it.each(["processing", "success", "failed", "dlq", "cancelled"] as const)(
    "has no next attempt while it is %s",
    (state) => {
      const lease = state === "processing" ? leaseLeft(1_000) : null;
      const job = aJob({ state, dueAtMs: NOW_MS + 60_000, lease });
      expect(jobView(job, NOW_MS)).toMatchObject({ status: state, next_attempt_at: null });
    },
  );

  it("becomes queued when its time has come", () => {
    const job = aJob({ dueAtMs: NOW_MS + 1 });
    expect(jobView(job, NOW_MS).status).toBe("scheduled");
    expect(jobView(job, NOW_MS + 1).status).toBe("queued");
  });

  it("shows the dedupe key that it holds or held", () => {
    expect(jobView(aJob({ dedupeKey: "d" }), NOW_MS).dedupe_key).toBe("d");
  });

  it("shows metadata under names that objects treat otherwise", () => {
    const metadata = [
      ["__proto__", "v"],
      ["constructor", "w"],
      ["trace_id", "x"],
    ] as const;
    const text = JSON.stringify(jobView(aJob({ metadata }), NOW_MS).metadata);
    expect(text).toBe('{"__proto__":"v","constructor":"w","trace_id":"x"}');
  });

  it("shows nothing that is ours alone, nor what may be secret", () => {
    const job = aJob({ state: "processing", lease: leaseLeft(1), generation: 3, fenced: 2 });
    const text = JSON.stringify(jobView(job, NOW_MS));
    expect(text).not.toMatch(/token|lease|generation|fenced|hash|headers|payload/i);
  });
});

describe("a job as it is shown with what it sends", () => {
  const shown = (body: string | null, headers: Record<string, string> = {}) =>
    jobViewWithContent(aJob(), contentOf(body, Object.entries(headers)), NOW_MS);

  it.each(['{"n":82025227314455255420, "w":1.0,"k":1,"k":2}', "null", '"\u{1F600}"', "-0", "[ ]"])(
    "has the payload as it was sent: %s",
    (payload) => {
      expect(shown(payload).endsWith(`,"payload":${payload}}`)).toBe(true);
    },
  );

  it("has all else as without it, and no payload where none was sent", () => {
    const { destination, ...rest } = jobView(aJob(), NOW_MS);
    expect(JSON.parse(shown(null, { "x-a": "1" }))).toEqual({
      ...rest,
      destination: { ...destination, headers: { "x-a": "1" } },
    });
  });

  it("shows headers under names that objects treat otherwise", () => {
    const content = contentOf("1", [
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
    expect(jobViewWithContent(aJob(), content, NOW_MS)).toContain(
      '"headers":{"__proto__":"a","constructor":"b"}',
    );
  });

  it.each([
    "Authorization",
    "COOKIE",
    "X-Auth",
    "x-api-key",
    "X-Amz-Security-Token",
    "client-secret",
    "x-password",
    "X-Hub-Signature-256",
    "monkey",
  ])("hides the value of %s", (name) => {
    expect(shown("1", { [name]: "s3cret" })).toContain(`"headers":{"${name}":"***"}`);
  });

  it.each(["x-a", "accept", "set-cookie2", "x-cookie", "user-agent"])(
    "shows that of %s",
    (name) => {
      expect(shown("1", { [name]: "plain" })).toContain(`"headers":{"${name}":"plain"}`);
    },
  );
});

describe("an attempt as it is shown", () => {
  it("has every field, and null where one does not apply", () => {
    expect(
      attemptView({
        n: 3,
        startedAtMs: NOW_MS,
        finishedAtMs: NOW_MS + 1_234,
        status: "success",
        httpStatus: 204,
        error: null,
        responseExcerpt: null,
      }),
    ).toStrictEqual({
      n: 3,
      started_at: NOW,
      finished_at: "2023-11-14T22:13:21.234Z",
      duration_ms: 1_234,
      status: "success",
      http_status: 204,
      error: null,
      response_excerpt: null,
    });
  });

  it("shows what went wrong", () => {
    const view = attemptView({
      n: 1,
      startedAtMs: NOW_MS,
      finishedAtMs: NOW_MS,
      status: "failed",
      httpStatus: 500,
      error: "http_status: the destination answered 500",
      responseExcerpt: "",
    });
    expect(view).toMatchObject({
      status: "failed",
      http_status: 500,
      error: "http_status: the destination answered 500",
      response_excerpt: "",
      duration_ms: 0,
    });
  });
});
