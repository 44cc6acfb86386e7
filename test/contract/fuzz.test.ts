import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProblemView } from "../../lambdas/contract/views.ts";
import {
  departuresOf,
  faultsBy,
  openApi,
  operationOf,
  operations,
  resolved,
} from "../support/openapi.ts";
import type { Parameter, Schema } from "../support/openapi.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";
import { mutationsOf, valuesOf } from "../support/schema-values.ts";

/**
 * Inputs made from the API's description, valid ones and ones with a single thing wrong. Nothing
 * finds a 5xx or an answer that is not described; the valid are accepted, the wrong refused with the
 * place where they are wrong. A failure prints the seed that repeats it; FUZZ_RUNS=20 takes twenty
 * times as many inputs.
 */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 1);
const TIMEOUT_MS = 30_000 * RUNS;

let dataDir: string;
let runtime: RuntimeProcess;
let receiver: Receiver;

beforeAll(async () => {
  dataDir = await makeDataDir();
  receiver = await startReceiver();
  runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
});
afterAll(async () => {
  await runtime.stop();
  await receiver.stop();
  await removeDataDir(dataDir);
});

/** Asks, and holds the answer to the description and below 500. */
const ask = async (method: string, path: string, init: RequestInit = {}) => {
  const response = await fetch(`${runtime.url}${path}`, { method, ...init });
  const { status, headers } = response;
  const text = await response.text();
  const departures = departuresOf({ method, path, status, headers, text });
  if (departures.length > 0 || status >= 500) {
    throw new Error(`${method} ${path}: ${status} ${text}\n${departures.join("\n")}`);
  }
  return { status, text, errors: mistakesIn(text) };
};
const mistakesIn = (text: string): ProblemView["errors"] =>
  text === "" ? [] : ((JSON.parse(text) as Partial<ProblemView>).errors ?? []);

const post = (path: string, text: string, headers: Record<string, string> = {}) =>
  ask("POST", path, { body: text, headers: { "content-type": "application/json", ...headers } });

const check = <T>(runs: number, inputs: fc.Arbitrary<T>, hold: (input: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(inputs, hold), {
    numRuns: runs * RUNS,
    interruptAfterTimeLimit: TIMEOUT_MS,
  });

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
  it("that the description permits is accepted", { timeout: TIMEOUT_MS }, async () => {
    await check(200, jobs, async (job) => {
      expect([200, 201]).toContain((await post("/v1/jobs", JSON.stringify(job))).status);
    });
  });

  it("that goes out at once is delivered as well as any", { timeout: TIMEOUT_MS }, async () => {
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

  it(
    "with one thing wrong is refused, and the place is named",
    { timeout: TIMEOUT_MS },
    async () => {
      let refused = 0;
      await check(800, mutationsOf(oneJob, jobs), async (job) => {
        const { status, errors } = await post("/v1/jobs", JSON.stringify(job));
        if (faultsBy(oneJob, job).length === 0) return;
        expect(status).toBe(400);
        expect(errors.filter((mistake) => "pointer" in mistake)).not.toEqual([]);
        refused += 1;
      });
      expect(refused).toBeGreaterThan(300 * RUNS);
    },
  );

  it("in a batch is judged as if alone", { timeout: TIMEOUT_MS }, async () => {
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

  it("that is damaged text is refused, or still a body", { timeout: TIMEOUT_MS }, async () => {
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

describe("A query", () => {
  const withQuery = operations.flatMap(({ path, operation: { parameters = [] } }) => {
    const query = parameters
      .map((one) => resolved(one) as Parameter)
      .filter((one) => one.in === "query");
    return query.length === 0 ? [] : [{ path, query }];
  });

  it(
    "is answered if the description permits it, else refused by name",
    { timeout: TIMEOUT_MS },
    async () => {
      const { text } = await post(
        "/v1/jobs",
        JSON.stringify({ tenant_id: "t", type: "t", destination: { url: "http://127.0.0.1:1/" } }),
      );
      const { id } = JSON.parse(text) as { readonly id: string };
      for (const { path, query } of withQuery) {
        const known = query.filter(({ name }) => name !== "cursor");
        const schema: Schema = {
          type: "object",
          properties: Object.fromEntries(known.map((one) => [one.name, one.schema])),
          required: known.filter(({ required }) => required).map(({ name }) => name),
          additionalProperties: false,
        };
        const url = (values: object, more = "") =>
          `${path.replace("{id}", id)}?${new URLSearchParams(Object.entries(values).map(([name, value]): [string, string] => [name, String(value)])).toString()}${more}`;
        await check(60, valuesOf(schema), async (values) => {
          expect((await ask("GET", url(values as object))).status).toBe(200);
        });
        const wrong = [
          "nope=1",
          "limit=",
          "cursor=x",
          ...known.flatMap(({ name }) => [
            `${name}=`,
            `${name}=%00`,
            `${name}=%ff`,
            `${name}=1&${name}=1`,
          ]),
        ];
        await check(
          60,
          fc.tuple(valuesOf(schema), fc.constantFrom(...wrong)),
          async ([values, more]) => {
            const { status, errors } = await ask("GET", url(values as object, `&${more}`));
            expect(status).toBe(400);
            expect(errors.filter((mistake) => "parameter" in mistake)).not.toEqual([]);
          },
        );
      }
    },
  );
});

describe("A header", () => {
  const parameter = resolved<Parameter>({ $ref: "#/components/parameters/IdempotencyKey" });

  it(
    "is taken if the description permits it, else refused by name",
    { timeout: TIMEOUT_MS },
    async () => {
      let tenant = 0;
      const job = () =>
        JSON.stringify({
          tenant_id: `header-${(tenant += 1)}`,
          type: "t",
          destination: { url: "http://127.0.0.1:1/" },
          execute_at: new Date(Date.now() + DAY_MS).toISOString(),
        });
      // What stands around a header's value is not part of it.
      const keys = (valuesOf(parameter.schema) as fc.Arbitrary<string>).filter(
        (key) => key.trim() !== "",
      );
      await check(60, keys, async (key) => {
        expect((await post("/v1/jobs", job(), { "idempotency-key": key })).status).toBe(201);
      });
      const wrong = keys.chain((key) =>
        fc.constantFrom("", `${key}é`, key.padEnd(256, "k"), `${key}\t.`),
      );
      await check(
        60,
        wrong.filter((key) => faultsBy(parameter.schema, key.trim()).length > 0),
        async (key) => {
          const { status, errors } = await post("/v1/jobs", job(), { "idempotency-key": key });
          expect(status).toBe(400);
          expect(errors).toMatchObject([{ header: "Idempotency-Key" }]);
        },
      );
      const anyVisible = fc.stringMatching(/^[\x20-\x7e]{0,200}$/);
      await check(60, anyVisible, async (value) => {
        expect((await ask("GET", "/healthz", { headers: { "x-request-id": value } })).status).toBe(
          200,
        );
      });
    },
  );
});

describe("A path", () => {
  it("leads to a call, to 404 or to 405", { timeout: TIMEOUT_MS }, async () => {
    const nearIds = fc.stringMatching(/^job_[0-9A-Za-z]{24,27}$/);
    const ids = fc
      .oneof(nearIds, fc.string({ minLength: 1, unit: "binary" }))
      .map((id) => encodeURIComponent(id.toWellFormed()));
    const segments = ids.filter((id) => !/^(\.|%2e)+$/i.test(id));
    const methods = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
    const templates = fc.constantFrom(
      ...Object.keys(openApi.paths),
      "/v1/jobs/{id}/",
      "/v1/{id}",
      "/{id}",
    );
    await check(300, fc.tuple(methods, templates, segments), async ([method, template, id]) => {
      const path = template.replace("{id}", id);
      const { status } = await ask(method, path);
      if (!operationOf(method, path)) expect([404, 405]).toContain(status);
      else if (template.includes("{id}")) expect(status).toBe(404);
    });
  });
});
