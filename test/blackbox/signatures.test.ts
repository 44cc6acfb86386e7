import { randomBytes, randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { ProblemView } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest, Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
beforeEach(() => receiver.answer((_, response) => void response.writeHead(200).end("ok")));
afterAll(() => receiver.stop());

interface Put {
  readonly id: string;
  readonly secret: string;
  readonly created_at: string;
}

const ROUTE = `${api.baseUrl}/v1/signing-secrets`;
const newTenant = () => `sig-${randomUUID()}`;
const bytes = (length: number) => randomBytes(length).toString("base64");

const send = (method: string, query: string, body?: object): Promise<Response> =>
  fetch(`${ROUTE}${query}`, {
    method,
    ...(body && {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    }),
  });
const put = async (tenant_id: string, secret?: string): Promise<Put> => {
  const response = await send("PUT", "", { tenant_id, secret });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Put;
};
const withdraw = (tenant: string, id: string) => send("DELETE", `?tenant_id=${tenant}&id=${id}`);
const list = async (tenant: string) => {
  const { items } = await api.get<{
    readonly items: readonly { readonly id: string; readonly hint: string }[];
  }>(`/v1/signing-secrets?tenant_id=${tenant}`);
  return items;
};

/** The one request that a new job of a tenant makes. */
const delivered = async (tenant_id: string, more: object = {}): Promise<ReceivedRequest> => {
  const id = await api.accepted(jobTo(receiver.url, { tenant_id, ...more }));
  await api.until(id, "success");
  expect(receiver.of(id)).toHaveLength(1);
  return receiver.of(id)[0]!;
};

const signaturesOf = ({ headers }: ReceivedRequest): readonly string[] =>
  String(headers["webhook-signature"]).split(" ");

/** As a receiver does it, at the library's own tolerance. */
const isVerifiedBy = (secret: string, { headers, body }: ReceivedRequest): boolean => {
  const verifier = new Webhook(secret);
  try {
    verifier.verify(body.toString(), headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
};

describe("a tenant with a signing secret has its webhooks signed", () => {
  it("by one that PulseGate makes, and shows once", async () => {
    const tenant = newTenant();
    const before = Date.now();
    const { id, secret, created_at } = await put(tenant);
    expect(id).toMatch(/^sec_/);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(Date.parse(created_at)).toBeGreaterThanOrEqual(before - 1_000);
    const request = await delivered(tenant, { payload: { a: 1.5, b: "é\u{1F600}" } });
    expect(isVerifiedBy(secret, request)).toBe(true);
    expect(isVerifiedBy(`whsec_${bytes(32)}`, request)).toBe(false);

    const listed = await send("GET", `?tenant_id=${tenant}`);
    const text = await listed.text();
    expect(JSON.parse(text)).toEqual({
      items: [{ id, created_at, hint: `whsec_…${secret.slice(-4)}` }],
    });
    expect(text).not.toContain(secret.slice(6, -4));
  });

  it.each([
    ["with its prefix", `whsec_${bytes(24)}`],
    ["bare", bytes(24)],
    ["without padding", `whsec_${bytes(32).replace(/=+$/, "")}`],
    ["of 64 bytes", bytes(64)],
  ])("by one of its own, verified with the very string that was set: %s", async (_, given) => {
    const tenant = newTenant();
    const { secret } = await put(tenant, given);
    const request = await delivered(tenant);
    expect(isVerifiedBy(given, request)).toBe(true);
    expect(isVerifiedBy(secret, request)).toBe(true);
    expect(secret).toMatch(/^whsec_/);
  });

  it("by one in URL-safe base 64, which is answered in the standard one", async () => {
    const tenant = newTenant();
    const key = Buffer.from(`fbefbe${"ff".repeat(29)}`, "hex");
    const { secret } = await put(tenant, `whsec_${key.toString("base64url")}`);
    expect(secret).toBe(`whsec_${key.toString("base64")}`);
    expect(isVerifiedBy(secret, await delivered(tenant))).toBe(true);
  });

  it("in every attempt by that attempt's own time, with one id", async () => {
    const tenant = newTenant();
    const { secret } = await put(tenant);
    receiver.answerStatuses(500, 503, 200);
    const id = await api.accepted(
      jobTo(receiver.url, {
        tenant_id: tenant,
        // More than a second apart, after jitter: no two can have the same timestamp.
        retry: { schedule_ms: [2_500], max_attempts: 3 },
      }),
    );
    await api.until(id, "success");
    const requests = receiver.of(id);
    expect(requests.map((request) => isVerifiedBy(secret, request))).toEqual([true, true, true]);
    const attempts = await api.attempts(id);
    expect(requests.map(({ headers }) => headers["webhook-timestamp"])).toEqual(
      attempts.map(({ started_at }) => String(Math.floor(Date.parse(started_at) / 1_000))),
    );
    expect(new Set(requests.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(3);
  });

  it("also where there is no body", async () => {
    const tenant = newTenant();
    const { secret } = await put(tenant);
    const { payload: _, ...bare } = jobTo(receiver.url, { tenant_id: tenant });
    const id = await api.accepted(bare);
    await api.until(id, "success");
    expect(isVerifiedBy(secret, receiver.of(id)[0]!)).toBe(true);
  });

  it("and no other tenant has, nor sees or withdraws its secrets", async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    const { id, secret } = await put(tenant);
    expect((await delivered(other)).headers["webhook-signature"]).toBeUndefined();
    expect(await list(other)).toEqual([]);
    expect((await withdraw(other, id)).status).toBe(404);
    expect(isVerifiedBy(secret, await delivered(tenant))).toBe(true);
  });
});

describe("a rotation", () => {
  it("signs with both, newest first, until the old one is withdrawn", async () => {
    const tenant = newTenant();
    const old = await put(tenant);
    const [onlyOld = ""] = signaturesOf(await delivered(tenant));
    expect(onlyOld).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);

    const young = await put(tenant);
    expect((await list(tenant)).map(({ id }) => id)).toEqual([young.id, old.id]);
    const both = await delivered(tenant);
    const [first = "", second = "", ...more] = signaturesOf(both);
    expect(more).toEqual([]);
    const alone = (signature: string) => ({
      ...both,
      headers: { ...both.headers, "webhook-signature": signature },
    });
    expect(isVerifiedBy(young.secret, alone(first))).toBe(true);
    expect(isVerifiedBy(old.secret, alone(second))).toBe(true);
    expect(isVerifiedBy(old.secret, both) && isVerifiedBy(young.secret, both)).toBe(true);

    const response = await withdraw(tenant, old.id);
    expect([response.status, await response.json()]).toEqual([200, { id: old.id, deleted: true }]);
    const last = await delivered(tenant);
    expect(signaturesOf(last)).toHaveLength(1);
    expect(isVerifiedBy(young.secret, last)).toBe(true);
    expect((await withdraw(tenant, old.id)).status).toBe(404);
  });

  it("counts for jobs that wait already: the secrets of the attempt's moment sign", async () => {
    const tenant = newTenant();
    const old = await put(tenant);
    receiver.answerStatuses(500, 200);
    const id = await api.accepted(
      jobTo(receiver.url, { tenant_id: tenant, retry: { schedule_ms: [4_000] } }),
    );
    await api.until(id, "scheduled");
    expect((await withdraw(tenant, old.id)).status).toBe(200);
    const young = await put(tenant);
    await api.until(id, "success");
    const [before, after] = receiver.of(id);
    expect(isVerifiedBy(old.secret, before!)).toBe(true);
    expect(isVerifiedBy(old.secret, after!)).toBe(false);
    expect(isVerifiedBy(young.secret, after!)).toBe(true);
    expect(signaturesOf(after!)).toHaveLength(1);
  });

  it("ends with nothing signed once the last secret is withdrawn", async () => {
    const tenant = newTenant();
    const { id } = await put(tenant);
    await withdraw(tenant, id);
    expect(await list(tenant)).toEqual([]);
    expect((await delivered(tenant)).headers["webhook-signature"]).toBeUndefined();
  });
});

describe("a set of secrets", () => {
  it("holds a secret once, however often and however written it is put", async () => {
    const tenant = newTenant();
    const secret = bytes(32);
    const first = await put(tenant, secret);
    expect(await put(tenant, `whsec_${secret.replace(/=+$/, "")}`)).toEqual(first);
    expect(await list(tenant)).toHaveLength(1);
    expect(signaturesOf(await delivered(tenant))).toHaveLength(1);
  });

  it("keeps what is put at once, ten at most, and then refuses another", async () => {
    const tenant = newTenant();
    const ours = await Promise.all(Array.from({ length: 10 }, () => put(tenant)));
    expect((await list(tenant)).map(({ id }) => id).toSorted()).toEqual(
      ours.map(({ id }) => id).toSorted(),
    );
    const refused = await send("PUT", "", { tenant_id: tenant });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: "invalid_state" });
    expect(await put(tenant, ours[3]!.secret)).toEqual(ours[3]);

    const request = await delivered(tenant);
    expect(ours.filter(({ secret }) => isVerifiedBy(secret, request))).toHaveLength(10);
    await withdraw(tenant, ours[0]!.id);
    await put(tenant);
  });
});

describe("a call that is wrong", () => {
  const good = bytes(32);
  it.each([
    "whsec_!!!!",
    "whsec_",
    "",
    `v1,whsec_${good}`,
    bytes(8),
    `whsec_${bytes(23)}`,
    bytes(65),
    ` whsec_${good}`,
    `whsec_${good} `,
    `whsec_ ${good}`,
    `${good}\n`,
    null,
    32,
    [good],
  ])("names the secret, and shows nothing of it: %j", async (secret) => {
    const tenant_id = newTenant();
    const response = await send("PUT", "", { tenant_id, secret });
    const text = await response.text();
    expect(response.status).toBe(400);
    const { code, errors } = JSON.parse(text) as ProblemView;
    expect(code).toBe("invalid_input");
    expect(errors).toMatchObject([{ pointer: "/secret" }]);
    expect(text).not.toContain(good.slice(0, 8));
    expect(await list(tenant_id)).toEqual([]);
  });

  it("has every mistake listed", async () => {
    const response = await send("PUT", "?x=1", { secret: "whsec_", name: "a" });
    const { errors } = (await response.json()) as ProblemView;
    expect(errors.map(({ pointer, parameter }) => pointer ?? parameter).toSorted()).toEqual([
      "/name",
      "/secret",
      "/tenant_id",
      "x",
    ]);
  });

  it.each([
    ["GET", "", ["tenant_id"]],
    ["GET", "?tenant_id=", ["tenant_id"]],
    ["GET", "?tenant_id=a%20b", ["tenant_id"]],
    ["GET", "?tenant_id=a&tenant_id=b", ["tenant_id"]],
    ["GET", "?tenant_id=a&id=b", ["id"]],
    ["DELETE", "", ["id", "tenant_id"]],
    ["DELETE", "?tenant_id=a", ["id"]],
    ["DELETE", "?tenant_id=a&id=", ["id"]],
    ["DELETE", "?id=sec_1", ["tenant_id"]],
  ])("has its parameters named: %s %s", async (method, query, names) => {
    const response = await send(method, query);
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as ProblemView;
    expect(errors.map(({ parameter }) => parameter).toSorted()).toEqual(names);
  });

  it("has its method or its body refused", async () => {
    const post = await send("POST", "", { tenant_id: "a" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "PUT, GET, DELETE"]);
    const text = await fetch(ROUTE, { method: "PUT", body: "{}" });
    expect(text.status).toBe(415);
    expect((await withdraw(newTenant(), "job_1")).status).toBe(404);
  });
});
