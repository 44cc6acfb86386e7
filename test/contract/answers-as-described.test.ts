import { describe, expect, it } from "vitest";
import openApiJson from "../../lambdas/functions/system/openapi.json" with { type: "json" };
import { jobTo } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { departuresOf, operationOf, operations } from "../support/openapi.ts";
import type { Answer } from "../support/openapi.ts";
import { startReceiver } from "../support/receiver.ts";
import { startOwnRuntime } from "../support/runtime-process.ts";
import { call } from "../unit/support/api-event.ts";
import { bodyOf, brokenBy, queryOf } from "./broken-functions.ts";

describe("Every answer is as described", () => {
  const runtime = forAllTests(startOwnRuntime);
  const receiver = forAllTests(startReceiver);
  const seen = new Set<string>();

  /** Asks, holds the answer to the description, and hands back its body. */
  const ask = async (request: string, status: number, init: RequestInit = {}) => {
    const [method = "", path = ""] = request.split(" ");
    const response = await fetch(`${runtime.url}${path}`, { method, ...init });
    const { headers } = response;
    const answer: Answer = {
      method,
      path,
      status: response.status,
      headers,
      text: await response.text(),
    };
    expect({ request, departures: departuresOf(answer), text: answer.text }).toEqual({
      request,
      departures: [],
      text: answer.text,
    });
    expect(`${request}: ${answer.status} ${answer.text}`).toContain(`${request}: ${status}`);
    seen.add(`${operationOf(method, path)?.operationId} ${status}`);
    return answer.text === "" ? {} : (JSON.parse(answer.text) as Record<string, unknown>);
  };
  const send = (request: string, status: number, body: unknown, headers: object = {}) =>
    ask(request, status, {
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  const post = (path: string, status: number, body: unknown, headers: object = {}) =>
    send(`POST ${path}`, status, body, headers);
  const accepted = async (job: object) => String((await post("/v1/jobs", 201, job))["id"]);
  const until = (id: string, status: string) =>
    eventually(`${id} is ${status}`, async () => {
      const job = await ask(`GET /v1/jobs/${id}`, 200);
      return job["status"] === status ? job : undefined;
    });
  const later = () => ({ execute_at: new Date(Date.now() + 3_600_000).toISOString() });
  const once = { retry: { max_attempts: 1 } };

  it("when jobs are accepted, replayed, deduplicated or refused", async () => {
    const job = { ...jobTo(receiver.url), ...later() };
    const key = { "idempotency-key": "contract-1" };
    await post("/v1/jobs", 201, job, key);
    await post("/v1/jobs", 201, job, key);
    await post("/v1/jobs", 409, { ...job, priority: "low" }, key);
    const held = { ...job, dedupe_key: "contract-1" };
    await post("/v1/jobs", 201, held);
    await post("/v1/jobs", 200, held, { "idempotency-key": "contract-2" });
    await post("/v1/jobs", 200, held, { "idempotency-key": "contract-2" });
    await post("/v1/jobs", 400, { ...job, nope: 1, destination: {} }, { "idempotency-key": "é" });
    await post("/v1/jobs?x=1", 400, job);
    await post("/v1/jobs", 400, "{");
    await post("/v1/jobs", 413, { ...job, payload: "a".repeat(262_143) });
    await post("/v1/jobs", 413, " ".repeat(524_289));
    await post("/v1/jobs", 415, job, { "content-type": "text/plain" });
  });

  it("when batches are", async () => {
    const held = { ...jobTo(receiver.url, { dedupe_key: "contract-batch" }), ...later() };
    const batch = { jobs: [held, held, { ...held, tenant_id: "" }, 1] };
    const key = { "idempotency-key": "contract-batch" };
    const { items } = await post("/v1/jobs/batch", 207, batch, key);
    expect(items).toMatchObject([
      { status: 201 },
      { status: 200 },
      { status: 400 },
      { status: 400 },
    ]);
    await post("/v1/jobs/batch", 207, batch, key);
    await post("/v1/jobs/batch", 207, { jobs: [{ ...held, priority: "low" }] }, key);
    await post("/v1/jobs/batch", 400, { jobs: [] });
    await post("/v1/jobs/batch", 413, " ".repeat(3 * 1_048_576 + 1));
    await post("/v1/jobs/batch", 415, batch, { "content-encoding": "gzip" });
  });

  it("when jobs are delivered, shown, listed, cancelled and retried", async () => {
    receiver.answer(({ path }, response) => {
      const status = { "/hook?ok": 204, "/hook?gone": 410 }[path] ?? 500;
      response.writeHead(status).end(status === 204 ? "" : "\u0000no\u{1F600}");
    });
    const headers = { headers: { authorization: "a", "x-b": "b" } };
    const metadata = { metadata: { trace_id: "t", ["__proto__"]: "p" } };
    const succeeds = await accepted(jobTo(`${receiver.url}?ok`, metadata, headers));
    const fails = await accepted(jobTo(`${receiver.url}?gone`));
    const dies = await accepted(jobTo(receiver.url, once));
    const unreachable = await accepted(jobTo("http://127.0.0.1:1/", once));
    const unserved = await accepted({ ...jobTo(receiver.url), type: "no.such" });
    const waits = await accepted(jobTo(receiver.url, later()));
    await until(succeeds, "success");
    await until(fails, "failed");
    await until(unserved, "failed");
    await until(unreachable, "dlq");
    await until(dies, "dlq");

    for (const id of [succeeds, fails, dies, unreachable, unserved, waits]) {
      await ask(`GET /v1/jobs/${id}?include=payload`, 200);
      await ask(`GET /v1/jobs/${id}/attempts`, 200);
    }
    const { payload: _, ...bare } = jobTo(receiver.url, later());
    await ask(`GET /v1/jobs/${await accepted(bare)}?include=payload`, 200);
    await ask(`GET /v1/jobs/${waits}?include=all`, 400);
    await ask(`GET /v1/jobs/${waits}/attempts?limit=0&cursor=x`, 400);

    await ask(`POST /v1/jobs/${waits}/retry`, 409);
    await ask(`POST /v1/jobs/${waits}/cancel?x=1`, 400);
    await ask(`POST /v1/jobs/${waits}/cancel`, 200);
    await ask(`POST /v1/jobs/${succeeds}/cancel`, 409);
    const key = { headers: { "idempotency-key": "contract-retry" } };
    await ask(`POST /v1/jobs/${dies}/retry`, 200, key);
    await ask(`POST /v1/jobs/${dies}/retry`, 200, key);
    await until(dies, "dlq");
    await ask(`POST /v1/jobs/${dies}/retry`, 400, { headers: { "idempotency-key": "" } });
    const { next_cursor: next } = await ask(`GET /v1/jobs/${dies}/attempts?limit=1`, 200);
    await ask(`GET /v1/jobs/${dies}/attempts?limit=1&cursor=${String(next)}`, 200);

    for (const filter of ["", "&status=dlq", "&status=success", "&type=no.such", "&limit=1"]) {
      const page = await ask(`GET /v1/jobs?tenant_id=t1${filter}`, 200);
      const { next_cursor: cursor } = page as { readonly next_cursor: string | null };
      if (cursor !== null) await ask(`GET /v1/jobs?tenant_id=t1${filter}&cursor=${cursor}`, 200);
    }
    await ask("GET /v1/jobs?status=nope", 400);
    for (const path of ["", "/attempts"]) await ask(`GET /v1/jobs/job_1${path}`, 404);
    for (const path of ["/cancel", "/retry"]) await ask(`POST /v1/jobs/job_1${path}`, 404);
  });

  it("when signing secrets are put, listed and deleted", async () => {
    const path = "/v1/signing-secrets";
    const put = (status: number, body: unknown, headers: object = {}) =>
      send(`PUT ${path}`, status, body, headers);
    const tenant = { tenant_id: "contract-signing" };
    const { id, secret } = await put(200, tenant);
    await put(200, { ...tenant, secret });
    for (let n = 1; n < 10; n += 1) await put(200, tenant);
    await put(409, tenant);
    await put(400, { ...tenant, secret: "whsec_!!!!" });
    await put(413, " ".repeat(524_289));
    await put(415, tenant, { "content-type": "text/plain" });
    await ask(`GET ${path}?tenant_id=contract-signing`, 200);
    await ask(`GET ${path}`, 400);
    const query = `tenant_id=contract-signing&id=${String(id)}`;
    await ask(`DELETE ${path}?${query}`, 200);
    await ask(`DELETE ${path}?${query}`, 404);
    await ask(`DELETE ${path}?tenant_id=%20`, 400);
  });

  it("when the system is asked", async () => {
    for (const path of ["/healthz", "/readyz"]) {
      for (const method of ["GET", "HEAD"]) {
        await ask(`${method} ${path}`, 200);
        await ask(`${method} ${path}?x=1`, 400);
      }
    }
    expect(await ask("GET /openapi.json", 200)).toEqual(openApiJson);
    await ask("GET /openapi.json?x=1", 400);
  });

  it("when there is no such route, or it has other methods", async () => {
    for (const path of ["/", "/v1/jobs/", "/v1//jobs", "/v1/jobs/a/b", "/%", "/openapi.yaml"]) {
      await ask(`GET ${path}`, 404);
    }
    for (const { path } of operations) {
      await ask(`PATCH ${path.replace("{id}", "job_1")}`, 405);
      await ask(`OPTIONS ${path.replace("{id}", "job_1")}`, 405);
    }
    await ask("HEAD /openapi.json", 405);
  });

  it("when the gateway refuses by itself", async () => {
    for (const { method, path } of operations.filter((one) => one.method !== "HEAD")) {
      await ask(`${method} ${path.replace("{id}", "job_1")}`, 431, {
        headers: { "x-long": "a".repeat(11_000) },
      });
    }
    for (const path of ["", "/batch", "/job_1/cancel", "/job_1/retry"]) {
      await post(`/v1/jobs${path}`, 413, " ".repeat(10 * 1_048_576 + 1));
    }
    for (const method of ["PUT", "DELETE"]) {
      await send(`${method} /v1/signing-secrets`, 413, " ".repeat(10 * 1_048_576 + 1));
    }
  });

  it("when what is behind does not answer, or has a fault", async () => {
    const outage = Object.assign(new Error("socket hang up"), { $metadata: {} });
    const bug = new TypeError("undefined is not a function");
    for (const error of [outage, bug]) {
      for (const { method, path } of operations) {
        const handler = brokenBy(error)[`${method} ${path}`];
        if (!handler) continue;
        const {
          status = 0,
          headers,
          text = "",
        } = await call(handler, {
          routeKey: `${method} ${path}`,
          path: { id: "job_01K8YV3W5XN5T0Y2M1Q7R9S4AB" },
          query: queryOf(method, path),
          headers: { "content-type": "application/json" },
          body: JSON.stringify(bodyOf(path)),
        });
        const answer = {
          method,
          path,
          status,
          headers: new Headers(headers as object),
          text: method === "HEAD" ? "" : text,
        };
        expect({ method, path, departures: departuresOf(answer) }).toEqual({
          method,
          path,
          departures: [],
        });
        seen.add(`${operationOf(method, path)?.operationId} ${status}`);
      }
    }
  });

  it("and none is left untried, but for those that only a gateway in the cloud gives", () => {
    const onlyThere = / (403|429)$|^head\w+ (413|431)$|^(get|list)\w+ 413$/;
    const needsNothing = /^(get|head)(Health|Description) (500|503)$|^\w+Readiness 500$/;
    const described = operations.flatMap(({ operation: { operationId, responses } }) =>
      Object.keys(responses).map((status) => `${operationId} ${status}`),
    );
    const untried = described.filter((answer) => !seen.has(answer));
    expect(untried.filter((one) => !onlyThere.test(one) && !needsNothing.test(one))).toEqual([]);
  });
});
