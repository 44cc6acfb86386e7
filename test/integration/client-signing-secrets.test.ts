import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { PulseGate } from "../../lib/client/index.ts";
import { forAllTests } from "../support/lifetimes.ts";
import {
  answer,
  hangsUp,
  losesAnswerOf,
  passesOnTo,
  startMisbehavingApi,
} from "../support/misbehaving-api.ts";
import type { Behaviour, MisbehavingApi } from "../support/misbehaving-api.ts";
import { startReceiver } from "../support/receiver.ts";
import { startOwnRuntime } from "../support/runtime-process.ts";

const runtime = forAllTests(() => startOwnRuntime({ LOG_LEVEL: "debug" }));
let client: PulseGate;
let api: MisbehavingApi | undefined;

beforeAll(() => {
  client = new PulseGate({ baseUrl: runtime.url });
});
afterEach(async () => {
  await api?.stop();
  api = undefined;
});

const newTenant = () => `t-${randomUUID()}`;
const through = async (...behaviours: readonly Behaviour[]): Promise<PulseGate> => {
  api = await startMisbehavingApi(...behaviours);
  return new PulseGate({ baseUrl: api.url, baseDelayMs: 1 });
};

describe("the client's signing secrets", () => {
  it("are put, listed without what is secret, and deleted", async () => {
    const tenant_id = newTenant();
    const old = await client.putSigningSecret({ tenant_id });
    expect(old.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const own = await client.putSigningSecret({ tenant_id, secret: "A".repeat(32) });
    expect(own.secret).toBe(`whsec_${"A".repeat(32)}`);
    expect(await client.listSigningSecrets({ tenant_id })).toEqual([
      { id: own.id, created_at: own.created_at, hint: "whsec_…AAAA" },
      { id: old.id, created_at: old.created_at, hint: `whsec_…${old.secret.slice(-4)}` },
    ]);
    const deleted = { id: old.id, deleted: true };
    expect(await client.deleteSigningSecret({ tenant_id, id: old.id })).toEqual(deleted);
    await expect(client.deleteSigningSecret({ tenant_id, id: old.id })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(client.putSigningSecret({ tenant_id, secret: "x" })).rejects.toMatchObject({
      code: "invalid_input",
      errors: [{ pointer: "/secret" }],
    });
  });

  it("are put once and deleted once, although the answer is lost", async () => {
    const tenant_id = newTenant();
    const lossy = [losesAnswerOf(runtime.url), passesOnTo(runtime.url)];
    const { id } = await (await through(...lossy)).putSigningSecret({ tenant_id });
    expect(await client.listSigningSecrets({ tenant_id })).toMatchObject([{ id }]);
    await api?.stop();
    expect(await (await through(...lossy)).deleteSigningSecret({ tenant_id, id })).toEqual({
      id,
      deleted: true,
    });
    expect(await client.listSigningSecrets({ tenant_id })).toEqual([]);
  });

  it("are unknown where no try before can have deleted them", async () => {
    const gone = answer(404, { code: "not_found", detail: "no" });
    const refused = { tenant_id: "t1", id: "sec_1" };
    for (const behaviours of [[gone], [answer(429, {}), gone]]) {
      await expect(
        (await through(...behaviours)).deleteSigningSecret(refused),
      ).rejects.toMatchObject({ code: "not_found" });
      await api?.stop();
    }
    expect(await (await through(hangsUp, gone)).deleteSigningSecret(refused)).toEqual({
      id: "sec_1",
      deleted: true,
    });
  });

  it("stand in no line of log, good or bad, nor do the signatures", async () => {
    const tenant_id = newTenant();
    const { secret, id } = await client.putSigningSecret({ tenant_id });
    const bad = `whsec_ ${secret.slice(6)}`;
    await expect(client.putSigningSecret({ tenant_id, secret: bad })).rejects.toMatchObject({
      message: "The signing secret is not valid.",
    });
    const receiver = await startReceiver();
    const { id: jobId } = await client.createJob({
      tenant_id,
      type: "webhook.dispatch",
      destination: { url: receiver.url },
    });
    await expect.poll(() => receiver.of(jobId).length, { timeout: 10_000 }).toBe(1);
    const signature = String(receiver.of(jobId)[0]?.headers["webhook-signature"]);
    await expect.poll(() => runtime.output(), { timeout: 10_000 }).toContain('"message":"attempt"');
    await receiver.stop();
    expect(runtime.output()).toContain(id);
    expect(signature).toMatch(/^v1,/);
    expect(runtime.output()).not.toContain(secret.slice(6, 30));
    expect(runtime.output()).not.toContain(signature.slice(3, 30));
  });
});
