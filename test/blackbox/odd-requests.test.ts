import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { JobView, ProblemView } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

/** Not run before the test is over. */
const later = () => new Date(Date.now() + 600_000).toISOString();
const waiting = (more: object = {}) => jobTo(receiver.url, { execute_at: later(), ...more });

const post = async (body: string | object, headers: Record<string, string> = {}) => {
  const response = await api.post(body, headers);
  return {
    status: response.status,
    replayed: response.headers.get("idempotency-replayed"),
    body: (await response.json()) as JobView & ProblemView,
  };
};
const pointersOf = ({ body }: { readonly body: ProblemView }) => [
  ...new Set(body.errors.map(({ pointer }) => pointer)),
];

describe("a key that stands twice is refused where two readers would differ", () => {
  const destination = `{"url":"https://a.example/"}`;
  const twoUrls = `{"url":"https://a.example/","url":"https://b.example/"}`;
  it.each([
    [`{"tenant_id":"a","tenant_id":"b","type":"t","destination":${destination}}`, "/tenant_id"],
    [
      String.raw`{"tenant_id":"a","type":"t","t\u0079pe":"u","destination":${destination}}`,
      "/type",
    ],
    [`{"tenant_id":"a","type":"t","destination":${twoUrls}}`, "/destination/url"],
    [
      `{"tenant_id":"a","type":"t","destination":${destination},"payload":1,"payload":2}`,
      "/payload",
    ],
    [
      `{"tenant_id":"a","type":"t","destination":${destination},"metadata":{"a":"b","a":"b"}}`,
      "/metadata/a",
    ],
  ])("%s", async (body, pointer) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(pointersOf(answer)).toEqual([pointer]);
  });
});

describe("a name that means something to JavaScript", () => {
  it("is metadata as any other, and an empty one is refused", async () => {
    const rest = JSON.stringify(waiting()).slice(1, -1);
    const id = await api.accepted(`{${rest},"metadata":{"__proto__":"v","constructor":"w"}}`);
    const shown = await (await fetch(`${api.baseUrl}/v1/jobs/${id}`)).text();
    expect(shown).toContain(`"metadata":{"__proto__":"v","constructor":"w"}`);
    const empty = await post(`{${rest},"metadata":{"__proto__":"v","":"w"}}`);
    expect([empty.status, ...pointersOf(empty)]).toEqual([400, "/metadata/"]);
  });

  it("is an unknown field of a job", async () => {
    const rest = JSON.stringify(waiting()).slice(1, -1);
    const answer = await post(`{"__proto__":{"priority":"high"},${rest}}`);
    expect([answer.status, ...pointersOf(answer)]).toEqual([400, "/__proto__"]);
  });
});

describe("a body", () => {
  it("of a hundred thousand brackets is replayed by its key, and delivered as sent", async () => {
    const key = { "idempotency-key": randomUUID() };
    const payload = "[".repeat(100_000) + "]".repeat(100_000);
    const body = JSON.stringify(jobTo(receiver.url, { payload: "P" })).replace('"P"', payload);
    const first = await post(body, key);
    expect(first.status).toBe(201);
    expect(await post(body, key)).toMatchObject({ replayed: "true", body: { id: first.body.id } });
    await api.until(first.body.id, "success");
    expect(receiver.of(first.body.id).map((request) => request.body.toString())).toEqual([payload]);
  });

  const text = () => JSON.stringify(waiting());
  const byteOrderMark = Buffer.from("efbbbf", "hex");
  it.each([
    ["with a charset", () => text(), { "content-type": "application/json; charset=UTF-8" }, 201],
    ["in capitals", () => text(), { "content-type": "Application/JSON" }, 201],
    ["in UTF-16", () => text(), { "content-type": "application/json;charset=utf-16" }, 415],
    ["of no type", () => Buffer.from(text()), {}, 415],
    ["as a form", () => text(), { "content-type": "application/x-www-form-urlencoded" }, 415],
    [
      "that is compressed",
      () => gzipSync(text()),
      { "content-type": "application/json", "content-encoding": "gzip" },
      415,
    ],
    [
      "with a byte order mark",
      () => Buffer.concat([byteOrderMark, Buffer.from(text())]),
      { "content-type": "application/json" },
      400,
    ],
    [
      "that is no UTF-8",
      () => Buffer.from(text().replace("t1", "t\u00e9"), "latin1"),
      { "content-type": "application/json" },
      400,
    ],
  ] as const)("%s", async (_, bodyOf, headers, status) => {
    const response = await fetch(`${api.baseUrl}/v1/jobs`, {
      method: "POST",
      headers,
      body: bodyOf(),
    });
    expect(response.status, await response.clone().text()).toBe(status);
    if (status !== 201) {
      expect(response.headers.get("content-type")).toBe("application/problem+json");
    }
  });
});

describe("an Idempotency-Key", () => {
  it("is not burnt by requests that were refused for whatever reason", async () => {
    const key = { "idempotency-key": randomUUID() };
    const refusals = [
      await post(waiting({ priorty: "high" }), key),
      await post(waiting({ payload: "x".repeat(300_000) }), key),
      await post(waiting(), { ...key, "content-type": "text/plain" }),
    ];
    expect(refusals.map(({ status }) => status)).toEqual([400, 413, 415]);
    expect(await post(waiting(), key)).toMatchObject({ status: 201, replayed: null });
  });
});

describe("tenant and key are never glued together", () => {
  const run = randomUUID().slice(0, 8);
  const pairs = [
    ["ab", "c"],
    ["a", "bc"],
    ["a.b", "c"],
    ["a", ".bc"],
    ["a", "b.c"],
    ["a", "b#c"],
    ["a", "#b"],
    ["a", "b:c"],
    ["a", "b/c"],
    ["a", "b c"],
    ["a-b", "c"],
    ["a_b", "c"],
  ].map(([tenant = "", key = ""]) => [`${run}${tenant}`, key] as const);

  it("by Idempotency-Key", async () => {
    const execute_at = later();
    const answers = await Promise.all(
      pairs.map(([tenant_id, key]) =>
        post(waiting({ tenant_id, execute_at }), { "idempotency-key": key }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(pairs.map(() => 201));
    expect(answers.map(({ replayed }) => replayed)).toEqual(pairs.map(() => null));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(pairs.length);
  });

  it("by dedupe_key", async () => {
    const answers = await Promise.all(
      pairs.map(([tenant_id, dedupe_key]) => post(waiting({ tenant_id, dedupe_key }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(pairs.map(() => 201));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(pairs.length);
  });
});
