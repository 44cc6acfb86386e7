import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import type { JobMessage } from "../../lambdas/core/rules/job.ts";
import { HORIZON_MS } from "../../lambdas/core/rules/rate-limit.ts";
import type { Pace } from "../../lambdas/core/rules/rate-limit.ts";
import { makeAcceptJobs } from "../../lambdas/core/usecases/accept-jobs.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { forAllTests, forEachTest } from "../support/lifetimes.ts";
import { aPace, limitedJobsOn, SLOW } from "../support/limited-jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import { jobRequest, startStage, testClock } from "../support/stage.ts";

const stage = forAllTests(startStage);
const receiver = forEachTest(startReceiver);
const { bucketsOn, destination, jobAt } = limitedJobsOn(stage, receiver);

/** Posts a batch, and tells what was sent, and how often a bucket was written to. */
const post = async (paces: readonly (Pace | null)[], more: { executeAtMs?: number } = {}) => {
  const client = localDynamoDb(stage.dynamodbEndpoint);
  let bucketWrites = 0;
  client.middlewareStack.add(
    (next, context) => (args) => {
      const isUpdate = "commandName" in context && context.commandName === UpdateItemCommand.name;
      const { Key: key } = args.input as UpdateItemCommandInput;
      if (isUpdate && key?.["pk"]?.S?.startsWith("BUCKET#")) bucketWrites += 1;
      return next(args);
    },
    { step: "initialize", name: "countBucketWrites" },
  );
  const sent: { readonly message: JobMessage; readonly dueAtMs: number }[] = [];
  const accept = makeAcceptJobs({
    store: stage.store,
    queue: {
      send: (message, dueAtMs) => {
        sent.push({ message, dueAtMs });
        return Promise.resolve();
      },
      withdraw: () => Promise.resolve(),
    },
    clock: testClock(),
    chance: { fraction: () => 0, bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
    hasRoom: () => Promise.resolve(true),
    buckets: bucketsOn(client),
    dedupeWindowMs: 3_600_000,
  });
  const acceptances = await accept(
    paces.map((pace, batchItem) => ({
      request: jobRequest({ destination: destination(), pace, ...more }),
      requestHash: "00".repeat(16),
      idempotencyKey: undefined,
      batchItem,
    })),
  );
  return { acceptances, sent, bucketWrites: () => bucketWrites };
};
const many = (count: number, pace: Pace) => Array.from({ length: count }, () => pace);

describe("a post of jobs with a limit", () => {
  it("takes the slots of a batch that has to wait in one write, each its own, in order", async () => {
    const { sent, bucketWrites } = await post(many(100, aPace({ rps: 20, burst: 1 })));
    expect(bucketWrites()).toBe(1);
    expect(sent).toHaveLength(100);
    const slots = sent.map(({ message }) => message.slotMs ?? 0);
    const gaps = slots.slice(1).map((slotMs, before) => slotMs - (slots[before] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([50]));
    // Each is sent right for its slot.
    for (const { message, dueAtMs } of sent) expect(dueAtMs).toBe((message.slotMs ?? 0) - 1_300);
  });

  it("takes no slot that its worker would come too late for", async () => {
    const { sent, bucketWrites } = await post(many(10, aPace({ rps: 100, burst: 10 })));
    expect(bucketWrites()).toBe(0);
    expect(sent.map(({ message, dueAtMs }) => [message.slotMs, dueAtMs])).toEqual(
      sent.map(() => [undefined, 0]),
    );
  });

  it("takes the slot of one that comes behind others", async () => {
    const pace = aPace({ rps: 0.1, burst: 1 });
    const first = Number(await bucketsOn().take(pace, 0));
    const { sent, bucketWrites } = await post([pace]);
    expect(bucketWrites()).toBe(1);
    expect(sent[0]?.message.slotMs).toBe(first + 10_000);
  });

  it("takes none for a job that is to wait for its time", async () => {
    const pace = aPace(SLOW);
    await bucketsOn().take(pace, 0);
    const executeAtMs = Date.now() + 60_000;
    const { sent, bucketWrites } = await post([pace], { executeAtMs });
    expect(bucketWrites()).toBe(0);
    expect(sent).toMatchObject([{ dueAtMs: executeAtMs, message: { pace } }]);
  });

  it("refuses a job alone whose turn would come in over 366 days, and says how long to wait", async () => {
    const pace = aPace(SLOW);
    const ahead = testClock();
    ahead.advance(HORIZON_MS + 3_000_000);
    await bucketsOn(undefined, ahead).take(pace, 0);
    const { acceptances, sent } = await post([null, pace, aPace(SLOW)]);
    expect(acceptances.map(({ kind }) => kind)).toEqual(["accepted", "refused", "accepted"]);
    const [, refused] = acceptances;
    expect(refused).toMatchObject({ kind: "refused", problem: { code: "rate_limited" } });
    const waitSeconds = refused?.kind === "refused" ? (refused.problem.retryAfterSeconds ?? 0) : 0;
    expect(waitSeconds).toBeGreaterThan(3_990);
    expect(waitSeconds).toBeLessThanOrEqual(4_001);
    expect(sent).toHaveLength(2);
    for (const { message } of sent) expect(await jobAt(message.jobId)).toBeDefined();
  });
});
