import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { worstExcess } from "../support/rate-window.ts";
import type { Limit } from "../support/rate-window.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => receiver.answer((_, response) => void response.writeHead(200).end("ok")));
afterAll(() => receiver.stop());

/** A place of a test's own, so that no other test's jobs share its bucket. */
const aPlace = () => `${receiver.url}/${randomUUID()}`;
const aTenant = () => `t-${randomUUID()}`;
const pathOf = (url: string) => new URL(url).pathname;
const startsAt = (...urls: readonly string[]) =>
  receiver.requests
    .filter(({ path }) => urls.some((url) => path.split("?")[0] === pathOf(url)))
    .map(({ atMs }) => atMs);

/**
 * What this suite can tell on any machine: a limit that is not kept starts everything at once. The
 * 50 ms of the contract are measured by the bench, where nothing else runs.
 */
const SLACK_MS = 400;
const expectKept = (startsMs: readonly number[], limit: Limit) =>
  expect(worstExcess(startsMs, limit, SLACK_MS)).toBeUndefined();

const post = (job: object) => api.accepted(job);
const untilDone = (ids: readonly string[]) =>
  Promise.all(ids.map((id) => api.until(id, "success")));

describe("a rate limit", () => {
  it("paces jobs that are posted one by one, each delivered once, at the first attempt", async () => {
    const url = aPlace();
    const limit = { rps: 5, burst: 3 };
    const ids = await Promise.all(
      Array.from({ length: 18 }, () => post(jobTo(url, { rate_limit: limit }))),
    );
    const jobs = await untilDone(ids);
    expect(jobs.map(({ attempts }) => attempts)).toEqual(ids.map(() => 1));
    for (const id of ids) expect(receiver.of(id)).toHaveLength(1);
    expectKept(startsAt(url), limit);
  });

  it("paces the jobs of a batch", async () => {
    const url = aPlace();
    const limit = { rps: 10, burst: 1 };
    const items = await api.postBatch({
      jobs: Array.from({ length: 30 }, () => jobTo(url, { rate_limit: limit })),
    });
    await untilDone(items.map(({ id = "" }) => id));
    expect(startsAt(url)).toHaveLength(30);
    expectKept(startsAt(url), limit);
  });

  it("has a burst of one second's worth, if it names none", async () => {
    const url = aPlace();
    const ids = await Promise.all(
      Array.from({ length: 4 }, () => post(jobTo(url, { rate_limit: { rps: 0.7 } }))),
    );
    await untilDone(ids);
    expectKept(startsAt(url), { rps: 0.7, burst: 1 });
  });

  it("counts attempts, not jobs", async () => {
    const url = aPlace();
    const limit = { rps: 2, burst: 1 };
    receiver.answerStatuses(500, 500, 200);
    const ids = await Promise.all(
      Array.from({ length: 3 }, () =>
        post(jobTo(url, { rate_limit: limit, retry: { schedule_ms: [100], max_attempts: 3 } })),
      ),
    );
    await untilDone(ids);
    expect(startsAt(url)).toHaveLength(9);
    expectKept(startsAt(url), limit);
  });

  it("is one for all spellings of a destination", async () => {
    const { port } = receiver;
    const name = randomUUID();
    const limit = { rps: 4, burst: 1 };
    const spellings = [
      `http://127.0.0.1:${port}/${name}/a`,
      `HTTP://127.0.0.1:${port}/${name}/a?x=1`,
      `http://127.0.0.1:${port}/${name}/a#f`,
      `http://127.0.0.1:${port}/${name}/%61`,
      `http://127.0.0.1:${port}/${name}/b/../a`,
    ];
    const ids = await Promise.all(
      [...spellings, ...spellings].map((url) => post(jobTo(url, { rate_limit: limit }))),
    );
    await untilDone(ids);
    const starts = ids.flatMap((id) => receiver.of(id)).map(({ atMs }) => atMs);
    expect(starts).toHaveLength(10);
    expectKept(starts, limit);
  });

  it("is shared by a name, whatever the destination", async () => {
    const [one, two] = [aPlace(), aPlace()];
    const limit = { rps: 4, burst: 2 };
    const rate_limit = { ...limit, key: randomUUID() };
    const ids = await Promise.all(
      [one, two, one, two, one, two, one, two].map((url) => post(jobTo(url, { rate_limit }))),
    );
    await untilDone(ids);
    expect(startsAt(one, two)).toHaveLength(8);
    expectKept(startsAt(one, two), limit);
  });

  it("holds up neither jobs without a limit, nor another tenant's, nor another destination's", async () => {
    const url = aPlace();
    const slow = { rate_limit: { rps: 0.001, burst: 1 } };
    const first = await post(jobTo(url, slow));
    await api.until(first, "success");
    const waits = await post(jobTo(url, slow));
    const others = [
      jobTo(url),
      jobTo(url, { ...slow, tenant_id: aTenant() }),
      jobTo(aPlace(), slow),
      jobTo(url, { rate_limit: { rps: 0.001, burst: 1, key: randomUUID() } }),
    ];
    await untilDone(await Promise.all(others.map(post)));
    expect(receiver.of(waits)).toEqual([]);
    expect(await api.job(waits)).toMatchObject({ status: "queued", attempts: 0 });
    const cancelled = await fetch(`${api.baseUrl}/v1/jobs/${waits}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
  });

  it("lets each job judge the bucket by its own numbers", async () => {
    const url = aPlace();
    const [fast, slow] = [
      { rps: 10, burst: 5 },
      { rps: 2, burst: 1 },
    ];
    const post10 = (limit: Limit) =>
      Promise.all(Array.from({ length: 6 }, () => post(jobTo(url, { rate_limit: limit }))));
    const [fastIds, slowIds] = await Promise.all([post10(fast), post10(slow)]);
    await untilDone([...fastIds, ...slowIds]);
    const startsOf = (ids: readonly string[]) =>
      ids.flatMap((id) => receiver.of(id)).map(({ atMs }) => atMs);
    expectKept(startsOf(fastIds), fast);
    expectKept(startsOf(slowIds), slow);
    expectKept(startsAt(url), fast);
  });
});

describe("a Retry-After", () => {
  it.each([429, 503])(
    "of a %i holds the tenant's other jobs for that destination",
    async (status) => {
      const url = aPlace();
      const tenant_id = aTenant();
      let asked = 0;
      receiver.answer(({ path }, response) => {
        asked += path === pathOf(url) ? 1 : 0;
        if (asked === 1 && path === pathOf(url)) {
          response.writeHead(status, { "retry-after": "4" }).end();
        } else response.writeHead(200).end();
      });
      const first = await post(jobTo(url, { tenant_id, retry: { schedule_ms: [100] } }));
      await api.until(first, "scheduled");
      // Whoever heard of the destination a second ago may still believe that.
      await sleep(1_100);
      const heldIds = await Promise.all([
        post(jobTo(url, { tenant_id })),
        post(jobTo(`${url}?x=1`, { tenant_id })),
        post(jobTo(url, { tenant_id, rate_limit: { rps: 100 } })),
      ]);
      const freeIds = await Promise.all([
        post(jobTo(url, { tenant_id: aTenant() })),
        post(jobTo(aPlace(), { tenant_id })),
      ]);
      const [free] = await Promise.all([untilDone(freeIds), untilDone([first, ...heldIds])]);
      expect(free.map(({ attempts }) => attempts)).toEqual([1, 1]);
      const untilMs = (receiver.of(first)[0]?.atMs ?? 0) + 4_000;
      for (const id of heldIds) {
        expect(receiver.of(id)).toHaveLength(1);
        expect(receiver.of(id)[0]?.atMs).toBeGreaterThanOrEqual(untilMs);
        expect((await api.job(id)).attempts).toBe(1);
      }
      for (const id of freeIds) expect(receiver.of(id)[0]?.atMs).toBeLessThan(untilMs);
    },
  );
});
