import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeSigningSecrets } from "../../lambdas/adapters/dynamodb/signing-secrets.ts";
import { keyedJobId } from "../../lambdas/core/rules/ids.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { countCapacity, loseAnswers, meetTransactions } from "../support/faults.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { startReceiver } from "../support/receiver.ts";
import {
  accepting,
  jobRequest,
  LEASE_MS,
  messageOf,
  recordingObserver,
  startStage,
  testClock,
} from "../support/stage.ts";
import type { Stage } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);

const HASH = "cd".repeat(16);
const client = () => localDynamoDb(stage.dynamodbEndpoint);
const destination = () => ({ url: receiver.url, method: "POST" as const, timeoutMs: 10_000 });
const received = (id: string, attempt = 1) => ({
  message: messageOf(id, attempt),
  sentAtMs: Date.now(),
});
const secretsOn = (dynamodb: ReturnType<typeof client>) =>
  makeSigningSecrets({ client: dynamodb, name: TABLE_NAME }, randomUUID);
const acceptOn = (store: Stage["store"]) =>
  accepting({ store, queue: stage.queueFor(), clock: testClock() });

const isClose = (input: object): boolean =>
  "ExpressionAttributeNames" in input &&
  JSON.stringify(input.ExpressionAttributeNames).includes("closed");

// Once: the SDK repeats the write and meets its own success. Three times: it gives up, and the
// adapter asks the item itself.
describe.each([1, 3])("a write whose answer is lost %i times is known as a success", (times) => {
  const losing = (command: string) => {
    const lossy = client();
    loseAnswers(lossy, command, times);
    return stage.storeOn(lossy);
  };

  it("the put of a new job, which is no replay", async () => {
    const key = `lost-${times}`;
    const accepted = await acceptOn(losing("PutItemCommand"))(
      jobRequest({ destination: destination() }),
      HASH,
      key,
    );
    expect(accepted).toMatchObject({ id: keyedJobId("t1", key), isReplay: false });
    await stage.takeMessages("normal");
  });

  it("the claim, which is carried out once", async () => {
    const { id } = await stage.accept({ destination: destination() });
    const store = losing("UpdateItemCommand");
    expect(await stage.worker({ store })(received(id))).toEqual({ kind: "delete" });
    expect(receiver.of(id)).toHaveLength(1);
    expect(await stage.store.read(id, Date.now())).toMatchObject({ state: "success", attempts: 1 });
  });

  it("the result, which nobody takes for a late worker's", async () => {
    const { id } = await stage.accept({ destination: destination() });
    const lossy = client();
    const observer = recordingObserver();
    const attempt = async () => {
      loseAnswers(lossy, "UpdateItemCommand", times);
      return Promise.resolve({ kind: "delivered" as const, httpStatus: 200 });
    };
    await stage.worker({ store: stage.storeOn(lossy), observer, attempt })(received(id));
    expect(observer.events).toEqual(["attempted 1: success"]);
  });

  it("the close of a dead worker's attempt", async () => {
    const { id } = await stage.accept({ destination: destination() });
    const dead = async () => Promise.reject(new Error("died"));
    await expect(stage.worker({ attempt: dead })(received(id))).rejects.toThrow("died");
    const later = testClock();
    later.advance(LEASE_MS + 1);
    const observer = recordingObserver();
    const lossy = client();
    loseAnswers(lossy, "UpdateItemCommand", times, isClose);
    await stage.worker({ clock: later, store: stage.storeOn(lossy), observer })(received(id));
    expect(observer.events).toEqual(["closed 1: retry"]);
    await stage.takeMessages("normal", 3);
  });
});

describe("a job costs what DESIGN.md says", () => {
  const life = async (more: object, statuses: readonly number[]) => {
    receiver.answerStatuses(...statuses);
    const counted = client();
    const capacity = countCapacity(counted);
    const store = stage.storeOn(counted);
    const { id } = await acceptOn(store)(
      jobRequest({
        destination: destination(),
        retry: { kind: "schedule", delaysMs: [100] },
        ...more,
      }),
      HASH,
      undefined,
    );
    const clock = testClock();
    for (const [index] of statuses.entries()) {
      const worker = stage.worker({ clock, store, signingSecrets: secretsOn(counted) });
      const verdict = await worker(received(id, index + 1));
      expect(verdict).toEqual({ kind: "delete" });
      clock.advance(2_000);
    }
    await stage.takeMessages("normal");
    return { ...capacity.of(), found: await stage.store.read(id, Date.now()) };
  };
  const body = Buffer.from(`"${"x".repeat(509)}"`);

  it("4 write units and 1 read unit, created and delivered at the first attempt", async () => {
    const { reads, writes, found } = await life(
      { content: { body, headers: [["x-a", "b"]] } },
      [200],
    );
    expect(found).toMatchObject({ state: "success" });
    expect({ reads, writes }).toEqual({ reads: 1, writes: 4 });
  });

  it("3 more for a failed attempt and a read, and at most 3 over its life for the sparse index", async () => {
    const one = await life({ content: { body, headers: [] } }, [500, 200]);
    expect(one.writes).toBeLessThanOrEqual(4 + 3 + 3);
    expect(one.reads).toBe(2);
    const four = await life({ content: { body, headers: [] } }, [500, 500, 500, 500, 200]);
    expect(four.writes).toBeLessThanOrEqual(4 + 4 * 3 + 3);
    expect(four.reads).toBe(5);
  });

  it("a payload of its own costs its size in kilobytes, and a read of it", async () => {
    const big = Buffer.from(
      JSON.stringify({ noise: crypto.getRandomValues(new Uint8Array(1_500)).join() }),
    );
    const { reads, writes } = await life({ content: { body: big, headers: [] } }, [200]);
    const stored = Math.ceil(big.length / 1_024);
    expect(writes).toBeLessThanOrEqual(4 + stored);
    expect(reads).toBeLessThanOrEqual(1 + Math.ceil(big.length / 4_096));
  });
});

describe("a write that meets a transaction on its item is made once that is over", () => {
  const meeting = (nth: readonly number[]) => {
    const busy = client();
    meetTransactions(busy, "UpdateItemCommand", nth);
    return stage.worker({ store: stage.storeOn(busy) });
  };

  it("a claim, and the result of what it sent: one request", async () => {
    const { id, message } = await stage.accept({ destination: destination() });
    // The claim at its first and second try, then the result at its first.
    expect(await meeting([1, 2, 4])({ message, sentAtMs: Date.now() })).toEqual({ kind: "delete" });
    expect(await stage.store.read(id, Date.now())).toMatchObject({ state: "success", attempts: 1 });
    expect(receiver.of(id)).toHaveLength(1);
  });

  it("unless it goes on and on: then the message stays", async () => {
    const { id, message } = await stage.accept({ destination: destination() });
    const always = Array.from({ length: 20 }, (_, index) => index + 1);
    await expect(meeting(always)({ message, sentAtMs: Date.now() })).rejects.toThrow("ongoing");
    expect(receiver.of(id)).toHaveLength(0);
  });
});
