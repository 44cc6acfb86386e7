import { describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "../../../lambdas/adapters/sqs/job-queue.ts";
import type { ReceivedMessage, Verdict } from "../../../lambdas/core/usecases/settle-message.ts";
import { queueConsumer } from "../../../lambdas/middleware/queue.ts";
import { makeTelemetry } from "../../../lambdas/middleware/telemetry.ts";
import { lambdaContext } from "../../../lib/local/lambda-context.ts";
import { messageOf, recordOf } from "../../support/stage.ts";

const NOW_MS = 1_750_000_000_000;

/** A batch's copies of messages: which are settled, and which are reported as failed. */
const consume = async (
  copies: readonly { readonly jobId: string; readonly id: string; readonly ageMs: number }[],
  verdictOn: (received: ReceivedMessage) => Promise<Verdict>,
) => {
  const settled: string[] = [];
  const consumer = queueConsumer(
    {
      telemetry: makeTelemetry("deliver", "error"),
      decode: decodeMessage,
      hide: () => Promise.resolve(),
    },
    (received) => {
      settled.push(`${received.message.jobId} of ${NOW_MS - received.sentAtMs} ms`);
      return verdictOn(received);
    },
  );
  const records = copies.map(({ jobId, id, ageMs }) => {
    const record = recordOf(encodeMessage(messageOf(jobId)), id);
    const attributes = { ...record.attributes, SentTimestamp: String(NOW_MS - ageMs) };
    return { ...record, attributes };
  });
  const { batchItemFailures } = await consumer(
    { Records: records },
    lambdaContext("deliver", 1_000),
  );
  return { settled, failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
};

describe("messages of one batch that say the same", () => {
  const copies = [
    { jobId: "job_a", id: "a-old", ageMs: 90_000 },
    { jobId: "job_b", id: "b", ageMs: 10 },
    { jobId: "job_a", id: "a-young", ageMs: 5 },
    { jobId: "job_a", id: "a", ageMs: 700 },
  ];

  it("are settled once, by the youngest, and deleted together", async () => {
    const { settled, failed } = await consume(copies, () => Promise.resolve({ kind: "delete" }));
    expect(settled).toEqual(["job_a of 5 ms", "job_b of 10 ms"]);
    expect(failed).toEqual([]);
  });

  it("are one message from then on, if it has to come back", async () => {
    const { failed } = await consume(copies, ({ message }) =>
      Promise.resolve(
        message.jobId === "job_a" ? { kind: "return", afterMs: 1_000 } : { kind: "delete" },
      ),
    );
    expect(failed).toEqual(["a-young"]);
  });

  it("leave one behind, whatever is thrown", async () => {
    const { failed } = await consume(copies, () => Promise.reject(new Error("throttled")));
    expect(failed).toEqual(["a-young", "b"]);
  });
});
