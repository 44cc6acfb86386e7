import { randomBytes, randomUUID } from "node:crypto";
import { GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { makeSigningSecrets } from "../../lambdas/adapters/dynamodb/signing-secrets.ts";
import { newSecretId } from "../../lambdas/core/rules/ids.ts";
import { SigningSecret } from "../../lambdas/core/rules/signature.ts";
import { makeDeleteSigningSecret } from "../../lambdas/core/usecases/delete-signing-secret.ts";
import { makePutSigningSecret } from "../../lambdas/core/usecases/put-signing-secret.ts";
import { makeRetryJob } from "../../lambdas/core/usecases/retry-job.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { countCapacity, freeze, loseAnswers } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import { messageOf, startStage, testClock } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);

afterEach(() => vi.useRealTimers());

const client = () => localDynamoDb(stage.dynamodbEndpoint);
/** As one process of many has it. */
const secretsOn = (dynamodb: DynamoDBClient = client()) =>
  makeSigningSecrets({ client: dynamodb, name: TABLE_NAME }, () =>
    randomBytes(9).toString("base64url"),
  );
const chance = { fraction: () => 0, bytes: (count: number) => randomBytes(count) };
const putOn = (dynamodb?: DynamoDBClient) =>
  makePutSigningSecret({ secrets: secretsOn(dynamodb), clock: testClock(), chance });
const deleteOn = (dynamodb?: DynamoDBClient) =>
  makeDeleteSigningSecret({ secrets: secretsOn(dynamodb) });

const newTenant = () => `t-${randomUUID()}`;
const added = async (tenant: string) => {
  const outcome = await putOn()(tenant, undefined);
  if (outcome.kind !== "put") throw new Error(outcome.kind);
  return outcome.held;
};
const idsOf = async (tenant: string) =>
  (await secretsOn().read(tenant)).secrets.map(({ id }) => id);

describe("changes of one set at once", () => {
  it("all stand, whichever process makes them", async () => {
    const tenant = newTenant();
    const old = await added(tenant);
    const outcomes = await Promise.all([
      ...Array.from({ length: 8 }, () => putOn()(tenant, undefined)),
      deleteOn()(tenant, old.id),
    ]);
    const ids = outcomes.flatMap((one) => (one.kind === "put" ? [one.held.id] : []));
    expect(ids).toHaveLength(8);
    expect((await idsOf(tenant)).toSorted()).toEqual(ids.toSorted());
  });

  it("put one secret once, under one id", async () => {
    const tenant = newTenant();
    const secret = new SigningSecret(randomBytes(32));
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => putOn()(tenant, secret)));
    const ids = outcomes.map((one) => (one.kind === "put" ? one.held.id : one.kind));
    expect(new Set(ids).size).toBe(1);
    expect(await idsOf(tenant)).toEqual([ids[0]]);
  });

  it("never make more than ten", async () => {
    const tenant = newTenant();
    const outcomes = await Promise.all(
      Array.from({ length: 14 }, () => putOn()(tenant, undefined)),
    );
    expect(outcomes.filter(({ kind }) => kind === "full")).toHaveLength(4);
    expect(await idsOf(tenant)).toHaveLength(10);
  });

  it.each([1, 3])("are known by a write whose answer was lost %i times", async (times) => {
    const tenant = newTenant();
    const old = await added(tenant);
    const lossy = client();
    loseAnswers(lossy, "PutItemCommand", times);
    expect(await putOn(lossy)(tenant, undefined)).toMatchObject({ kind: "put" });
    const lossyToo = client();
    loseAnswers(lossyToo, "PutItemCommand", times);
    expect(await deleteOn(lossyToo)(tenant, old.id)).toEqual({ kind: "deleted" });
    expect(await idsOf(tenant)).toHaveLength(1);
  });
});

describe("a read of a set", () => {
  it("is shared by those who ask while another is under way, and is younger than each", async () => {
    const tenant = newTenant();
    const old = await added(tenant);
    const slow = client();
    const answered = freeze();
    let calls = 0;
    slow.middlewareStack.add(
      (next) => async (args) => {
        calls += 1;
        const isFirst = calls === 1;
        const result = await next(args);
        if (isFirst) await answered.reach();
        return result;
      },
      { step: "initialize" },
    );
    const secrets = secretsOn(slow);
    const first = secrets.read(tenant);
    await answered.reached;
    await deleteOn()(tenant, old.id);
    const others = Array.from({ length: 9 }, () => secrets.read(tenant));
    answered.thaw();
    expect((await first).secrets).toHaveLength(1);
    for (const other of await Promise.all(others)) expect(other.secrets).toEqual([]);
    expect(calls).toBe(2);
    await secrets.read(tenant);
    expect(calls).toBe(3);
  });

  it("that fails is nobody else's failure", async () => {
    const tenant = newTenant();
    await added(tenant);
    const failing = client();
    let calls = 0;
    failing.middlewareStack.add(
      (next) => (args) => {
        calls += 1;
        if (calls === 1) throw new Error("no answer");
        return next(args);
      },
      { step: "initialize" },
    );
    const secrets = secretsOn(failing);
    const [first, second, third] = await Promise.allSettled(
      Array.from({ length: 3 }, () => secrets.read(tenant)),
    );
    expect([first?.status, second?.status, third?.status]).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect((await secrets.read(tenant)).secrets).toHaveLength(1);
    expect(calls).toBe(3);
  });

  it("shows a secret's bytes to nobody who prints it", async () => {
    const tenant = newTenant();
    const { secret } = await added(tenant);
    const set = await secretsOn().read(tenant);
    expect(JSON.stringify(set)).toContain('"secret":"***"');
    expect(JSON.stringify(set)).not.toContain(secret.revealText().slice(6, 20));
  });
});

describe("an attempt", () => {
  const destination = () => ({ url: receiver.url, method: "POST" as const, timeoutMs: 10_000 });
  const received = (id: string, attempt = 1, generation = 0) => ({
    message: messageOf(id, attempt, generation),
    sentAtMs: Date.now(),
  });

  it("costs 1 read unit beside the two writes that it always was, however many secrets", async () => {
    const tenantId = newTenant();
    for (let n = 0; n < 10; n += 1) await added(tenantId);
    const { id } = await stage.accept({ tenantId, destination: destination() });
    const counted = client();
    const capacity = countCapacity(counted);
    const worker = stage.worker({
      store: stage.storeOn(counted),
      signingSecrets: secretsOn(counted),
    });
    expect(await worker(received(id))).toEqual({ kind: "delete" });
    expect(capacity.of()).toEqual({ reads: 1, writes: 2 });
    const signatures = String(receiver.of(id)[0]?.headers["webhook-signature"]).split(" ");
    expect(signatures).toHaveLength(10);
  });

  it("sends nothing, rather than unsigned, where the secrets cannot be read", async () => {
    const { id } = await stage.accept({ tenantId: newTenant(), destination: destination() });
    const signingSecrets = { read: () => Promise.reject(new Error("no answer")) };
    await expect(stage.worker({ signingSecrets })(received(id))).rejects.toThrow("no answer");
    expect(receiver.requests).toEqual([]);
  });

  it("verifies at the library's own tolerance, minutes and a manual retry later", async () => {
    const tenantId = newTenant();
    const { secret } = await added(tenantId);
    const verifier = new Webhook(secret.revealText());
    const clock = testClock();
    const worker = stage.worker({ clock, signingSecrets: secretsOn() });
    const verify = (nth: number) => {
      const { headers, body } = receiver.of(id)[nth]!;
      vi.useFakeTimers({ toFake: ["Date"], now: clock.now() });
      expect(verifier.verify(body.toString(), headers as Record<string, string>)).toEqual({});
      vi.useRealTimers();
      return Number(headers["webhook-timestamp"]);
    };

    receiver.answerStatuses(500, 500, 410, 200);
    const { id } = await stage.accept({
      tenantId,
      destination: destination(),
      retry: { kind: "schedule", delaysMs: [360_000] },
    });
    const at: number[] = [];
    for (const attempt of [1, 2, 3]) {
      await worker(received(id, attempt));
      at.push(verify(attempt - 1));
      clock.advance(361_000);
    }
    clock.advance(24 * 3_600_000);
    const retryJob = makeRetryJob({ store: stage.store, queue: stage.queueFor(clock), clock });
    expect(await retryJob(id, undefined)).toMatchObject({ kind: "queued" });
    await worker(received(id, 1, 1));
    at.push(verify(3));

    const [first = 0, ...later] = at;
    expect(later.map((seconds) => Math.round((seconds - first) / 10) * 10)).toEqual([
      360, 720, 87_480,
    ]);
    expect(await stage.store.read(id, clock.now())).toMatchObject({ state: "success" });
    await stage.takeMessages("normal");
  });
});

describe("what is stored", () => {
  it("is one item a tenant, which a change of another revision does not touch", async () => {
    const tenant = newTenant();
    const { id, secret } = await added(tenant);
    const Key = { pk: { S: `SIGNING#${tenant}` }, sk: { S: "SIGNING" } };
    const { Item: item } = await stage.dynamodb.send(
      new GetItemCommand({ TableName: TABLE_NAME, Key }),
    );
    expect(Object.keys(item ?? {}).toSorted()).toEqual(["pk", "secrets", "sk", "wrt"]);
    expect(item?.["secrets"]?.L?.[0]?.M).toMatchObject({
      id: { S: id },
      key: { B: secret.reveal() },
    });

    const store = secretsOn();
    const seen = await store.read(tenant);
    await stage.dynamodb.send(
      new UpdateItemCommand({
        TableName: TABLE_NAME,
        Key,
        UpdateExpression: "SET wrt = :other",
        ExpressionAttributeValues: { ":other": { S: "other" } },
      }),
    );
    const refused = await store.replace(tenant, seen, []);
    expect(refused).toMatchObject({ kind: "refused", found: { revision: "other" } });
    expect(await idsOf(tenant)).toEqual([id]);
    const none = { secrets: [], revision: undefined };
    expect(await store.replace(tenant, none, [])).toMatchObject({ kind: "refused" });
  });

  it("has ids that say nothing of the secret, and never come twice", () => {
    const ids = Array.from({ length: 100 }, () => newSecretId(randomBytes(16)));
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^sec_[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  });
});
