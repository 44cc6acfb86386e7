import { describe, expect, it } from "vitest";
import { makeSqsJobQueue } from "../../lambdas/adapters/sqs/job-queue.ts";
import { makeAcceptJobs } from "../../lambdas/core/usecases/accept-jobs.ts";
import { localSqs } from "../../lib/local/clients.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { jobRequest, startStage, testClock, withoutLimits } from "../support/stage.ts";

const stage = forAllTests(startStage);

/** A queue whose batch calls answer 200, with some entries refused or left out of the answer. */
const queueThatFails = (how: "refuses" | "leaves out", unlucky: readonly number[]) => {
  const client = localSqs(stage.sqsEndpoint);
  let calls = 0;
  let entries = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      calls += 1;
      const input = args.input as { Entries?: { Id?: string }[] };
      const first = entries;
      entries += input.Entries?.length ?? 1;
      if (!input.Entries) return next(args);
      const kept = input.Entries.filter((_, index) => !unlucky.includes(first + index));
      const result = await next({
        ...args,
        input: { ...input, Entries: kept } as typeof args.input,
      });
      const failed = input.Entries.filter((entry) => !kept.includes(entry));
      const output = {
        ...result.output,
        ...(how === "refuses"
          ? { Failed: failed.map(({ Id }) => ({ Id, Code: "InternalError", SenderFault: false })) }
          : {}),
      };
      return { ...result, output };
    },
    { step: "initialize" },
  );
  return {
    calls: () => calls,
    queue: makeSqsJobQueue(client, stage.queueUrls, testClock()),
  };
};

const requests = (count: number) =>
  Array.from({ length: count }, (_, batchItem) => ({
    request: jobRequest({
      destination: { url: "http://127.0.0.1:9/", method: "POST", timeoutMs: 1_000 },
      executeAtMs: Date.now() + 600_000,
    }),
    requestHash: "00".repeat(16),
    idempotencyKey: undefined,
    batchItem,
  }));

const acceptOn = (queue: ReturnType<typeof makeSqsJobQueue>) =>
  makeAcceptJobs({
    store: stage.store,
    queue,
    clock: testClock(),
    chance: { fraction: () => 0, bytes: (count) => crypto.getRandomValues(new Uint8Array(count)) },
    hasRoom: () => Promise.resolve(true),
    buckets: withoutLimits.buckets,
    dedupeWindowMs: 3_600_000,
  });

describe("a batch whose messages the queue takes only in part", () => {
  it.each(["refuses", "leaves out"] as const)(
    "has the items unavailable that it %s, with no job behind them, and all others accepted",
    async (how) => {
      const { queue } = queueThatFails(how, [7, 18]);
      const acceptances = await acceptOn(queue)(requests(25));
      for (const [item, acceptance] of acceptances.entries()) {
        if (item === 7 || item === 18) {
          expect(acceptance).toMatchObject({ kind: "refused", problem: { code: "unavailable" } });
        } else {
          expect(acceptance).toMatchObject({ kind: "accepted" });
          const id = acceptance.kind === "accepted" ? acceptance.id : "";
          expect(await stage.store.read(id, Date.now())).toMatchObject({ kind: "job" });
        }
      }
    },
  );

  it("is handed over ten messages a call", async () => {
    const { queue, calls } = queueThatFails("refuses", []);
    await acceptOn(queue)(requests(100));
    expect(calls()).toBe(10);
  });
});
