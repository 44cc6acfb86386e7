import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { atLeast, check, fuzzed, runtimeUnderFuzz } from "../support/fuzzing.ts";
import { faultsBy, openApi } from "../support/openapi.ts";
import type { Schema } from "../support/openapi.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { mutationsOf, valuesOf } from "../support/schema-values.ts";

/**
 * Bodies made from the API's description. The valid are accepted, those with a single thing wrong are
 * refused with the place where they are wrong, and none finds a 5xx or an answer that is not described.
 */
const { ask, post } = runtimeUnderFuzz();
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const bodyOf = (path: string): Schema =>
  openApi.paths[path]?.["post"]?.requestBody?.content["application/json"]?.schema ?? {};

const DAY_MS = 86_400_000;
/** Far enough ahead that a job keeps still; each in another spelling. */
const farAhead = fc
  .tuple(fc.integer({ min: 2, max: 364 }), fc.constantFrom("Z", "z", "123456Z", "+00:00", "-23:59"))
  .map(([days, end]) => {
    const time = new Date(Date.now() + days * DAY_MS).toISOString().slice(0, -1);
    return /^\d/.test(end)
      ? `${time}${end}`
      : `${time}${end}`.replace("T", end === "z" ? "t" : "T");
  });
const closedPort = fc
  .webPath()
  .map((path) => `http://127.0.0.1:1/${encodeURI(path)}`)
  .filter((url) => !/[^\x21-\x7e]/.test(url));
const still = { url: closedPort, execute_at: farAhead };

/** What no schema says of a job. */
interface Job {
  readonly retry?: { readonly base_delay_ms?: number; readonly max_delay_ms?: number };
  readonly destination?: { readonly headers?: object };
  readonly metadata?: object;
}
const bytesOf = (pairs: object = {}): number =>
  Buffer.byteLength(Object.entries(pairs).flat().join(""));
const isWithinUnsaidRules = (value: unknown): boolean => {
  const job = value as Job;
  const { base_delay_ms: base = 500, max_delay_ms: max = base } = job.retry ?? {};
  const names = Object.keys(job.destination?.headers ?? {}).map((name) => name.toLowerCase());
  return (
    max >= base &&
    new Set(names).size === names.length &&
    bytesOf(job.destination?.headers) <= 8_192 &&
    bytesOf(job.metadata) <= 2_048
  );
};

const oneJob = bodyOf("/v1/jobs");
const jobs = valuesOf(oneJob, still).filter((job) => isWithinUnsaidRules(job));
const batches = fc.array(jobs, { minLength: 1, maxLength: 5 }).map((some) => ({ jobs: some }));

describe("A body", () => {
  it("that the description permits is accepted", fuzzed, async () => {
    await check(200, jobs, async (job) => {
      expect([200, 201]).toContain((await post("/v1/jobs", JSON.stringify(job))).status);
    });
  });

  it("that goes out at once is delivered as well as any", fuzzed, async () => {
    const atOnce = valuesOf(oneJob, {
      url: fc.constant(receiver.url),
      type: fc.constant("webhook.dispatch"),
    });
    const dueNow = atOnce.map((job) => ({
      ...(job as object),
      execute_at: undefined,
      dedupe_key: undefined,
    }));
    await check(
      30,
      dueNow.filter((job) => isWithinUnsaidRules(job)),
      async (job) => {
        const { text } = await post("/v1/jobs", JSON.stringify(job));
        const { id } = JSON.parse(text) as { readonly id: string };
        await expect.poll(() => receiver.of(id).length, { timeout: 10_000 }).toBe(1);
        await ask("GET", `/v1/jobs/${id}?include=payload`);
      },
    );
  });

  it("with one thing wrong is refused, and the place is named", fuzzed, async () => {
    let refused = 0;
    await check(800, mutationsOf(oneJob, jobs), async (job) => {
      const { status, errors } = await post("/v1/jobs", JSON.stringify(job));
      if (faultsBy(oneJob, job).length === 0) return;
      expect(status).toBe(400);
      expect(errors.filter((mistake) => "pointer" in mistake)).not.toEqual([]);
      refused += 1;
    });
    expect(refused).toBeGreaterThan(atLeast(300));
  });

  it("in a batch is judged as if alone", fuzzed, async () => {
    const batch = bodyOf("/v1/jobs/batch");
    await check(30, batches, async (body) => {
      const { status, text } = await post("/v1/jobs/batch", JSON.stringify(body));
      expect(status).toBe(207);
      const { items } = JSON.parse(text) as {
        readonly items: readonly { readonly status: number }[];
      };
      for (const item of items) expect([200, 201]).toContain(item.status);
    });
    await check(120, mutationsOf(batch, batches), async (body) => {
      const { status, text, errors } = await post("/v1/jobs/batch", JSON.stringify(body));
      if (status !== 207) {
        expect(status).toBe(400);
        expect(errors.filter((mistake) => "pointer" in mistake)).not.toEqual([]);
        return;
      }
      const { jobs: sent } = body as { readonly jobs: readonly unknown[] };
      const { items } = JSON.parse(text) as {
        readonly items: readonly { readonly status: number }[];
      };
      for (const [at, item] of items.entries()) {
        if (faultsBy(oneJob, sent[at]).length > 0) expect(item.status).toBe(400);
      }
    });
  });

  it("that is damaged text is refused, or still a body", fuzzed, async () => {
    const scraps = fc.constantFrom(
      "",
      "{",
      "}",
      "[",
      ",",
      ":",
      '"',
      "\\",
      "\u0000",
      "\ufeff",
      "1",
      '"a":1,',
      "é",
    );
    const damaged = fc.tuple(jobs, fc.nat(), fc.nat(3), scraps).map(([job, at, length, scrap]) => {
      const text = JSON.stringify(job);
      const from = at % (text.length + 1);
      return `${text.slice(0, from)}${scrap}${text.slice(from + length)}`;
    });
    await check(300, damaged, async (text) => {
      const { status, errors } = await post("/v1/jobs", text);
      if (isJson(text)) return;
      expect(status).toBe(400);
      expect(errors).toMatchObject([{ pointer: "" }]);
    });
  });
});

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
