import type { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { describe, expect, it } from "vitest";
import { recordResult } from "../../../../lambdas/adapters/dynamodb/claims.ts";
import type { AttemptResult } from "../../../../lambdas/core/ports.ts";
import { NOW_MS, aJob, leaseLeft } from "../../support/a-job.ts";

const job = aJob({ state: "processing", attempts: 1, lease: leaseLeft(45_000) });

const failedWith = (error: string) => ({
  n: 1,
  startedAtMs: NOW_MS,
  finishedAtMs: NOW_MS,
  status: "failed" as const,
  httpStatus: null,
  error,
  responseExcerpt: null,
});

/** What the one update that records a result sets, by attribute. */
const setBy = async (result: AttemptResult): Promise<Record<string, unknown>> => {
  const inputs: UpdateItemCommand["input"][] = [];
  const client = {
    send: async ({ input }: UpdateItemCommand) => {
      inputs.push(input);
      return { Attributes: {} };
    },
  };
  const table = {
    client: client as unknown as DynamoDBClient,
    name: "jobs",
    indexShards: 4,
    retentionMs: 30 * 86_400_000,
  };
  await recordResult(table, () => "write-token")(job, "claim-token", result, NOW_MS);
  expect(inputs).toHaveLength(1);
  const values = unmarshall(inputs[0]?.ExpressionAttributeValues ?? {});
  const set = Object.entries(values).filter(([name]) => name.startsWith(":set_"));
  return Object.fromEntries(set.map(([name, value]) => [name.slice(":set_".length), value]));
};

describe("the last error that a job keeps", () => {
  it.each(["retry", "failed", "dlq"] as const)("is that of its last attempt: %s", async (kind) => {
    const attempt = failedWith("timeout: no complete answer within 100 ms");
    expect(await setBy({ kind, attempt, dueAtMs: NOW_MS })).toMatchObject({
      err: "timeout: no complete answer within 100 ms",
    });
  });
});

describe("a job that ended", () => {
  it.each(["failed", "dlq", "success"] as const)(
    "expires after its retention: %s",
    async (kind) => {
      const attempt = failedWith("reset: gone");
      expect(await setBy({ kind, attempt, httpStatus: 200 })).toMatchObject({
        st: kind,
        expires_at: NOW_MS / 1_000 + 30 * 86_400,
      });
    },
  );

  it("does not expire while it waits for its next attempt", async () => {
    const waiting = await setBy({ kind: "retry", attempt: failedWith("reset: gone"), dueAtMs: 7 });
    expect(waiting).toMatchObject({ st: "waiting", due: 7 });
    expect(waiting).not.toHaveProperty("expires_at");
  });
});
