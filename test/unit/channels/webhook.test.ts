import { describe, expect, it } from "vitest";
import type { HttpAnswer, HttpRequest } from "../../../lambdas/channels/channel.ts";
import { webhook } from "../../../lambdas/channels/webhook.ts";
import type { DueJob } from "../../../lambdas/core/attempt-ports.ts";
import { SigningSecret } from "../../../lambdas/core/rules/signature.ts";
import { version } from "../../../lambdas/core/version.ts";
import { JOB_ID, NOW_MS, aJob, contentOf } from "../support/a-job.ts";

const aDueJob = (more: Partial<DueJob> = {}): DueJob => ({
  id: JOB_ID,
  type: "webhook.dispatch",
  destination: aJob().destination,
  content: contentOf('{"a":1.0}'),
  attempt: 1,
  signingSecrets: [],
  ...more,
});

const answered = (
  status: number,
  more: { headers?: Record<string, string>; body?: string } = {},
) => ({
  kind: "answered" as const,
  status,
  header: (name: string) => more.headers?.[name],
  body: new TextEncoder().encode(more.body ?? ""),
});

const attemptWith = async (answer: HttpAnswer, job = aDueJob(), startedAtMs = NOW_MS) => {
  const requests: HttpRequest[] = [];
  const http = async (request: HttpRequest) => {
    requests.push(request);
    return answer;
  };
  const outcome = await webhook.attempt(job, { http }, startedAtMs);
  expect(requests).toHaveLength(1);
  return { outcome, request: requests[0]! };
};

const sentFor = async (job: DueJob, startedAtMs?: number) =>
  (await attemptWith(answered(200), job, startedAtMs)).request;
const outcomeOf = async (answer: HttpAnswer) => (await attemptWith(answer)).outcome;

describe("what a webhook sends", () => {
  it("is the payload's own bytes, to where and how the job says", async () => {
    const content = contentOf('{"n":82025227314455255420,"w":1.0}');
    const destination = {
      url: "https://receiver.example/a?b#c",
      method: "PUT",
      timeoutMs: 250,
    } as const;
    const request = await sentFor(aDueJob({ content, destination }));
    expect(request).toMatchObject({ ...destination, body: content.body });
  });

  it("has nothing for a body when the job has no payload", async () => {
    expect((await sentFor(aDueJob({ content: contentOf(null) }))).body).toBeNull();
  });

  it("carries the job's headers and ours", async () => {
    const content = contentOf("{}", [
      ["X-A", "1"],
      ["__proto__", "2"],
    ]);
    const request = await sentFor(aDueJob({ content, attempt: 7 }), NOW_MS + 999);
    expect(request.headers).toEqual([
      ["X-A", "1"],
      ["__proto__", "2"],
      ["content-type", "application/json"],
      ["user-agent", `PulseGate/${version}`],
      ["x-pulsegate-attempt", "7"],
      ["webhook-id", JOB_ID],
      ["webhook-timestamp", "1700000000"],
    ]);
  });

  it.each([
    ["content-type", "text/plain"],
    ["Content-Type", "text/plain"],
    ["CONTENT-TYPE", ""],
    ["user-agent", "mine/1.0"],
    ["User-Agent", "mine/1.0"],
  ])("leaves %s to the job, in whatever case, and sends it once", async (name, value) => {
    const { headers } = await sentFor(aDueJob({ content: contentOf("{}", [[name, value]]) }));
    const ofThatName = headers.filter(([other]) => other.toLowerCase() === name.toLowerCase());
    expect(ofThatName).toEqual([[name, value]]);
  });

  it("keeps its id over all attempts, and dates each by its own start in whole seconds", async () => {
    const first = new Map((await sentFor(aDueJob({ attempt: 1 }), NOW_MS)).headers);
    const later = new Map((await sentFor(aDueJob({ attempt: 2 }), NOW_MS + 360_500)).headers);
    expect(later.get("webhook-id")).toBe(first.get("webhook-id"));
    expect(first.get("webhook-timestamp")).toBe("1700000000");
    expect(later.get("webhook-timestamp")).toBe("1700000360");
    expect(later.get("x-pulsegate-attempt")).toBe("2");
  });
});

describe("what a webhook is signed with", () => {
  const secrets = [1, 2].map((byte) => new SigningSecret(Buffer.alloc(32, byte)));
  const headersOf = async (job: Partial<DueJob>, startedAtMs = NOW_MS) =>
    new Map((await sentFor(aDueJob(job), startedAtMs)).headers);
  const signedBy = (secret: SigningSecret, timestamp: string, text: string) =>
    secret.sign(`${JOB_ID}.${timestamp}.${text}`);

  it("is its id, the attempt's own time and the payload's bytes, once a secret, in order", async () => {
    const [newer, older] = [secrets[0]!, secrets[1]!];
    const payload = '{"n":1.0,"é":"\\u00e9"}';
    const job = { content: contentOf(payload), signingSecrets: secrets };
    expect((await headersOf(job)).get("webhook-signature")).toBe(
      `${signedBy(newer, "1700000000", payload)} ${signedBy(older, "1700000000", payload)}`,
    );
    expect((await headersOf(job, NOW_MS + 360_999)).get("webhook-signature")).toBe(
      `${signedBy(newer, "1700000360", payload)} ${signedBy(older, "1700000360", payload)}`,
    );
  });

  it("may have no body, and without a secret nothing is signed", async () => {
    const job = { content: contentOf(null), signingSecrets: secrets.slice(1) };
    expect((await headersOf(job)).get("webhook-signature")).toBe(
      signedBy(secrets[1]!, "1700000000", ""),
    );
    expect((await headersOf({ signingSecrets: [] })).has("webhook-signature")).toBe(false);
  });
});

describe("an answer", () => {
  it.each([200, 201, 202, 204, 206, 299])("of %i means delivered", async (status) => {
    expect(await outcomeOf(answered(status))).toEqual({ kind: "delivered", httpStatus: status });
  });

  it.each([
    300, 301, 302, 304, 307, 308, 400, 401, 404, 408, 409, 418, 425, 429, 451, 499, 500, 502, 503,
    504, 599,
  ])("of %i is worth another try", async (status) => {
    expect(await outcomeOf(answered(status, { body: "no\n" }))).toEqual({
      kind: "retryable",
      error: `http_status: the destination answered ${status}`,
      httpStatus: status,
      responseExcerpt: "no\\u000a",
    });
  });

  it("of 410 is final", async () => {
    expect(await outcomeOf(answered(410, { body: "gone" }))).toEqual({
      kind: "permanent",
      error: "http_status: the destination answered 410",
      httpStatus: 410,
      responseExcerpt: "gone",
    });
  });

  it.each([301, 400, 429, 500, 503])("of %i that says abort-message is final", async (status) => {
    const headers = { "webhook-delivery": "abort-message" };
    expect(await outcomeOf(answered(status, { headers }))).toMatchObject({
      kind: "permanent",
      httpStatus: status,
    });
  });

  it.each(["retry", "abort", ""])(
    "that says %j of the delivery is judged as usual",
    async (value) => {
      const headers = { "webhook-delivery": value };
      expect(await outcomeOf(answered(500, { headers }))).toMatchObject({ kind: "retryable" });
    },
  );

  it("of 200 means delivered even if it says abort-message", async () => {
    const headers = { "webhook-delivery": "abort-message" };
    expect(await outcomeOf(answered(200, { headers }))).toMatchObject({ kind: "delivered" });
  });

  it("is kept in its first 256 characters", async () => {
    const outcome = await outcomeOf(answered(500, { body: "é".repeat(300) }));
    expect(outcome).toMatchObject({ responseExcerpt: "é".repeat(256) });
  });
});

describe("an attempt that got no whole answer", () => {
  const broken = (
    code: Extract<HttpAnswer, { kind: "broken" }>["code"],
    status: number | null,
  ) => ({
    kind: "broken" as const,
    code,
    text: "what happened",
    status,
    body: new TextEncoder().encode("the beginning"),
  });

  it.each(["timeout", "dns", "connect", "tls", "reset", "protocol"] as const)(
    "for %s is worth another try",
    async (code) => {
      expect(await outcomeOf(broken(code, null))).toEqual({
        kind: "retryable",
        error: `${code}: what happened`,
        httpStatus: null,
        responseExcerpt: null,
      });
    },
  );

  it("keeps the status and the beginning of an answer that broke off, also a 200", async () => {
    expect(await outcomeOf(broken("timeout", 200))).toEqual({
      kind: "retryable",
      error: "timeout: what happened",
      httpStatus: 200,
      responseExcerpt: "the beginning",
    });
  });

  it("is final where the destination is forbidden", async () => {
    expect(await outcomeOf(broken("forbidden_destination", null))).toMatchObject({
      kind: "permanent",
      error: "forbidden_destination: what happened",
    });
  });
});
