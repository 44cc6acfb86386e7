import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { Page, AttemptView } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => receiver.answer((_, response) => void response.writeHead(200).end("ok")));
afterAll(() => receiver.stop());

const quick = { schedule_ms: [100] };

describe("a failed attempt is repeated, and on record", () => {
  it("until it succeeds", async () => {
    receiver.answerStatuses(503, 500, 204);
    const id = await api.accepted(jobTo(receiver.url, { retry: { ...quick, max_attempts: 5 } }));
    const job = await api.until(id, "success");
    expect(job).toMatchObject({ attempts: 3, max_attempts: 5, last_error: null });
    expect(await api.attempts(id)).toMatchObject([
      {
        n: 1,
        status: "failed",
        http_status: 503,
        error: "http_status: the destination answered 503",
        response_excerpt: "answer 503",
      },
      { n: 2, status: "failed", http_status: 500 },
      { n: 3, status: "success", http_status: 204, error: null, response_excerpt: null },
    ]);
    expect(receiver.of(id)).toHaveLength(3);
  });

  it("at most max_attempts times, and then it is dead-lettered", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(jobTo(receiver.url, { retry: { ...quick, max_attempts: 3 } }));
    expect(await api.until(id, "dlq")).toMatchObject({
      attempts: 3,
      last_error: "http_status: the destination answered 500",
      next_attempt_at: null,
    });
    expect(receiver.of(id)).toHaveLength(3);
  });

  it("shows it as scheduled between attempts, by default for seconds and then for longer", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(jobTo(receiver.url));
    const job = await api.until(id, "scheduled");
    const waitMs = Date.parse(job.next_attempt_at ?? "") - (receiver.of(id)[0]?.atMs ?? 0);
    expect(waitMs).toBeGreaterThanOrEqual(2_500);
    expect(waitMs).toBeLessThanOrEqual(5_500);
    expect(job).toMatchObject({ attempts: 1, max_attempts: 8 });
  });

  it("never before its delay is over", async () => {
    receiver.answerStatuses(500, 200);
    const id = await api.accepted(jobTo(receiver.url, { retry: { schedule_ms: [3_000] } }));
    await api.until(id, "success");
    const [first, second] = await api.attempts(id);
    const waitMs = Date.parse(second?.started_at ?? "") - Date.parse(first?.finished_at ?? "");
    expect(waitMs).toBeGreaterThanOrEqual(1_500);
  });

  it.each([429, 503])(
    "not before the Retry-After of a %i, which never brings it forward",
    async (status) => {
      const waits = ["3", "0"];
      receiver.answer(({ headers }, response) => {
        const attempt = Number(headers["x-pulsegate-attempt"]);
        if (attempt === 3) response.writeHead(200).end();
        else response.writeHead(status, { "retry-after": waits[attempt - 1] }).end();
      });
      const id = await api.accepted(jobTo(receiver.url, { retry: { schedule_ms: [100, 2_000] } }));
      await api.until(id, "success");
      const [first, second, third] = await api.attempts(id);
      const waitMs = (a?: AttemptView, b?: AttemptView) =>
        Date.parse(b?.started_at ?? "") - Date.parse(a?.finished_at ?? "");
      expect(waitMs(first, second)).toBeGreaterThanOrEqual(3_000);
      expect(waitMs(second, third)).toBeGreaterThanOrEqual(1_000);
    },
  );

  it("although another answer than 429 and 503 has a Retry-After", async () => {
    receiver.answer(({ headers }, response) => {
      const isFirst = headers["x-pulsegate-attempt"] === "1";
      response.writeHead(isFirst ? 500 : 200, { "retry-after": "3600" }).end();
    });
    const id = await api.accepted(jobTo(receiver.url, { retry: quick }));
    expect(await api.until(id, "success")).toMatchObject({ attempts: 2 });
  });

  it("pages through the attempts", async () => {
    receiver.answerStatuses(500);
    const id = await api.accepted(jobTo(receiver.url, { retry: { ...quick, max_attempts: 4 } }));
    await api.until(id, "dlq");
    const numbers: number[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const page: Page<AttemptView> = await api.get(`/v1/jobs/${id}/attempts?limit=2${query}`);
      numbers.push(...page.items.map(({ n }) => n));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(numbers).toEqual([1, 2, 3, 4]);
  });
});

describe("what no retry can mend ends as failed", () => {
  it("410 Gone", async () => {
    receiver.answerStatuses(410);
    const id = await api.accepted(jobTo(receiver.url));
    expect(await api.until(id, "failed")).toMatchObject({ attempts: 1 });
  });

  it("an answer that asks to abort the message", async () => {
    receiver.answer(
      (_, response) => void response.writeHead(500, { "webhook-delivery": "abort-message" }).end(),
    );
    const id = await api.accepted(jobTo(receiver.url));
    await api.until(id, "failed");
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("a type that nothing handles", async () => {
    const id = await api.accepted(jobTo(receiver.url, { type: "nobody.knows" }));
    await api.until(id, "failed");
    expect(receiver.of(id)).toHaveLength(0);
  });

  it("but a redirect is only a failed attempt, and is not followed", async () => {
    receiver.answer(
      (_, response) => void response.writeHead(307, { location: receiver.url }).end(),
    );
    const id = await api.accepted(jobTo(receiver.url, { retry: { ...quick, max_attempts: 1 } }));
    expect(await api.until(id, "dlq")).toMatchObject({ attempts: 1 });
    expect(receiver.of(id)).toHaveLength(1);
  });
});

describe("an attempt has its time and no more", () => {
  it("a receiver that says nothing is given up after timeout_ms", async () => {
    receiver.answer(() => undefined);
    const id = await api.accepted(
      jobTo(receiver.url, { retry: { ...quick, max_attempts: 1 } }, { timeout_ms: 700 }),
    );
    await api.until(id, "dlq");
    const [attempt] = await api.attempts(id);
    expect(attempt?.error).toMatch(/^timeout: /);
    expect(attempt?.duration_ms).toBeGreaterThanOrEqual(700);
    expect(attempt?.duration_ms).toBeLessThanOrEqual(900);
  });

  it("nobody listens: the attempt fails, and says so", async () => {
    const gone = await startReceiver();
    await gone.stop();
    const id = await api.accepted(jobTo(gone.url, { retry: { ...quick, max_attempts: 1 } }));
    expect((await api.until(id, "dlq")).last_error).toMatch(/^connect: /);
  });
});
