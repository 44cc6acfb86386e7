import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toJobItem } from "../../lambdas/adapters/dynamodb/items.ts";
import { attentionKey } from "../../lambdas/adapters/dynamodb/keys.ts";
import { makeDynamoJobList } from "../../lambdas/adapters/dynamodb/job-list.ts";
import { newJobId } from "../../lambdas/core/rules/ids.ts";
import type { Job } from "../../lambdas/core/rules/job.ts";
import { makeListJobs } from "../../lambdas/core/usecases/list-jobs.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { TABLE_NAME } from "../../lib/local/provision.ts";
import { marshall } from "@aws-sdk/util-dynamodb";
import { countCapacity } from "../support/faults.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { rounds, roundsTimeoutMs } from "../support/rounds.ts";
import { startStage, testClock } from "../support/stage.ts";
import { aJob } from "../unit/support/a-job.ts";

const SHARDS = 4;
const stage = forAllTests(startStage);

const jobAt = (tenantId: string, createdAtMs: number, state: Job["state"]): Job =>
  aJob({ id: newJobId(createdAtMs, randomBytes(10)), tenantId, createdAtMs, state, attempts: 1 });

/** Puts a tenant's jobs into the table: `failed` of them failed, spread evenly, the rest successes. */
const fill = async (tenantId: string, count: number, failed: number): Promise<void> => {
  const every = Math.floor(count / failed);
  const items = Array.from({ length: count }, (_, n) => {
    const state = n % every === 0 && n / every < failed ? "failed" : "success";
    const job = jobAt(tenantId, 1_700_000_000_000 + Math.floor(n / 3), state);
    const { item } = toJobItem(job, { body: null, headers: [] }, "token", SHARDS);
    const rare = state === "failed" ? attentionKey("failed", tenantId, job.id, SHARDS) : {};
    return { ...item, ...marshall(rare) };
  });
  const batches = Array.from({ length: Math.ceil(items.length / 25) }, (_, n) =>
    items.slice(n * 25, n * 25 + 25),
  );
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    for (let n = lane; n < batches.length; n += 8) {
      await stage.dynamodb.send(
        new BatchWriteItemCommand({
          RequestItems: {
            [TABLE_NAME]: (batches[n] ?? []).map((Item) => ({ PutRequest: { Item } })),
          },
        }),
      );
    }
  });
  await Promise.all(lanes);
};

const counted = () => {
  const client = localDynamoDb(stage.dynamodbEndpoint);
  let requests = 0;
  client.middlewareStack.add(
    (next) => (args) => {
      requests += 1;
      return next(args);
    },
    { step: "initialize" },
  );
  const capacity = countCapacity(client);
  const list = makeDynamoJobList({ client, name: TABLE_NAME, indexShards: SHARDS });
  return {
    list: makeListJobs({ list, clock: testClock() }),
    counts: () => ({ requests, units: capacity.of().reads }),
  };
};

describe("a page of 50 reads in as many requests however many jobs the tenant has", () => {
  const sizes = [100, rounds(3_000, 100_000)];
  it(
    sizes.join(" or "),
    async () => {
      const costs = [];
      for (const size of sizes) {
        const tenantId = `size-${size}`;
        await fill(tenantId, size, 3);
        const { list, counts } = counted();
        const query = {
          tenantId,
          status: undefined,
          type: undefined,
          limit: 50,
          before: undefined,
        };
        const first = await list(query);
        expect(first.jobs).toHaveLength(50);
        const firstCost = counts();
        const second = await list({ ...query, before: first.next });
        expect(second.jobs).toHaveLength(50);
        costs.push(firstCost);
        console.log(`${size} jobs, a page of 50:`, firstCost);
        expect(firstCost.requests).toBe(SHARDS + 1);
      }
      expect(costs[1]?.requests).toBe(costs[0]?.requests);
    },
    roundsTimeoutMs(60_000, 600_000),
  );

  it("and a rare status never reads through the common ones", async () => {
    const tenantId = `size-${sizes[1]}`;
    const { list, counts } = counted();
    const page = await list({
      tenantId,
      status: "failed",
      type: undefined,
      limit: 50,
      before: undefined,
    });
    expect(page.jobs.map(({ state }) => state)).toEqual(["failed", "failed", "failed"]);
    expect(page.next).toBeUndefined();
    console.log("3 failed ones among them:", counts());
    expect(counts().requests).toBe(SHARDS + 1);
    expect(counts().units).toBeLessThan(10);
  });

  it("and a common filter that few jobs pass reads a bounded number, in pages that may be short", async () => {
    const tenantId = `size-${sizes[1]}`;
    const { list, counts } = counted();
    const page = await list({
      tenantId,
      status: "queued",
      type: undefined,
      limit: 50,
      before: undefined,
    });
    expect(page.jobs).toEqual([]);
    expect(page.next).toBeDefined();
    expect(counts().requests).toBeLessThanOrEqual(4 * (SHARDS + 1));
  });

  it("also by pages of one", async () => {
    const tenantId = `size-${sizes[1]}`;
    const { list, counts } = counted();
    const query = {
      tenantId,
      status: "success",
      type: "nobody.has",
      limit: 1,
      before: undefined,
    } as const;
    expect((await list(query)).jobs).toEqual([]);
    expect(counts().requests).toBeLessThanOrEqual(4 * (SHARDS + 1));
  });
});

describe("a page whose jobs DynamoDB reads only in part", () => {
  it("asks again for the rest", async () => {
    const tenantId = "unprocessed";
    await fill(tenantId, 30, 1);
    const client = localDynamoDb(stage.dynamodbEndpoint);
    let calls = 0;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (!("commandName" in context) || context.commandName !== "BatchGetItemCommand")
          return next(args);
        calls += 1;
        const input = args.input as { RequestItems: Record<string, { Keys: unknown[] }> };
        const keys = input.RequestItems[TABLE_NAME]?.Keys ?? [];
        const half = Math.ceil(keys.length / 2);
        const now = { RequestItems: { [TABLE_NAME]: { Keys: keys.slice(0, half) } } };
        const result = await next({ ...args, input: now as typeof args.input });
        const left = keys.slice(half);
        const output = {
          ...result.output,
          UnprocessedKeys: left.length === 0 ? {} : { [TABLE_NAME]: { Keys: left } },
        };
        return { ...result, output };
      },
      { step: "initialize" },
    );
    const list = makeListJobs({
      list: makeDynamoJobList({ client, name: TABLE_NAME, indexShards: SHARDS }),
      clock: testClock(),
    });
    const { jobs } = await list({
      tenantId,
      status: undefined,
      type: undefined,
      limit: 50,
      before: undefined,
    });
    expect(jobs).toHaveLength(30);
    expect(calls).toBeGreaterThan(3);
  });
});
