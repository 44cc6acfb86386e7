import { randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const ROUTE = `${api.baseUrl}/v1/signing-secrets`;
const put = async (tenant_id: string) => {
  const response = await fetch(ROUTE, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant_id }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { readonly id: string; readonly secret: string };
};
const withdraw = async (tenant: string, id: string) => {
  const response = await fetch(`${ROUTE}?tenant_id=${tenant}&id=${id}`, { method: "DELETE" });
  expect(response.status).toBe(200);
};

/** Payloads that come out wrong if anything on the way parses and prints them. */
const payloads = [
  `{"n":8202522731445525542, "w":136.0,  "e":1E5,"z":-0,"k":1,"k":2}`,
  String.raw`{"s":"\u00e9\/\ud83d\ude00","t":"é😀"}`,
  `[ ]`,
  "null",
  `"."`,
];

describe("a receiver that verifies with a public library, and knows one secret at a time", () => {
  it("accepts every request, its secret's replacement and its retries included", async () => {
    const tenant_id = `rot-${randomUUID()}`;
    const old = await put(tenant_id);

    let verifier = new Webhook(old.secret);
    const refused: unknown[] = [];
    const verify = ({ headers, body }: ReceivedRequest) => {
      try {
        verifier.verify(body.toString(), headers as Record<string, string>);
      } catch (error) {
        // A payload that the library cannot parse would be refused for that; these it can.
        refused.push(error);
      }
    };
    receiver.answer((request, response) => {
      verify(request);
      // Each third job needs a second attempt, which has to be signed anew.
      const isFirst = request.headers["x-pulsegate-attempt"] === "1";
      response.writeHead(isFirst && request.headers["x-third"] === "0" ? 503 : 200).end();
    });

    let posted = 0;
    const deliver = async (count: number) => {
      const ids = await Promise.all(
        Array.from({ length: count }, () => {
          const nth = (posted += 1);
          const job = jobTo(
            receiver.url,
            { tenant_id, payload: "PAYLOAD", retry: { schedule_ms: [100] } },
            { headers: { "x-third": String(nth % 3) } },
          );
          return api.accepted(
            JSON.stringify(job).replace('"PAYLOAD"', payloads[nth % payloads.length] ?? ""),
          );
        }),
      );
      await Promise.all(ids.map((id) => api.until(id, "success")));
      return ids;
    };

    // While the new one is put, the receiver still has the old one.
    const during = deliver(15);
    const young = await put(tenant_id);
    const ids = [...(await during), ...(await deliver(5))];
    // It changes over, and only then the old one is withdrawn, in the middle of the work.
    verifier = new Webhook(young.secret);
    ids.push(...(await deliver(5)));
    const after = deliver(15);
    await withdraw(tenant_id, old.id);
    ids.push(...(await after), ...(await deliver(5)));

    expect(refused).toEqual([]);
    for (const id of ids) {
      const requests = receiver.of(id);
      const attempts = await api.attempts(id);
      expect(requests).toHaveLength(attempts.length);
      expect(requests.map(({ headers }) => headers["webhook-timestamp"])).toEqual(
        attempts.map(({ started_at }) => String(Math.floor(Date.parse(started_at) / 1_000))),
      );
    }
    const retried = ids.filter((id) => receiver.of(id).length === 2);
    expect(retried.length).toBeGreaterThanOrEqual(10);
  });
});
