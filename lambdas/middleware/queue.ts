import middy from "@middy/core";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { JobMessage } from "../core/rules/job.ts";
import type { ReceivedMessage, Verdict } from "../core/usecases/settle-message.ts";
import { publishMetrics } from "./telemetry.ts";
import type { Telemetry } from "./telemetry.ts";

export interface QueueConsumerDeps {
  readonly telemetry: Telemetry;
  readonly decode: (body: string) => JobMessage;
  /** Hides a message from its queue for so long, from now. */
  readonly hide: (record: SQSRecord, afterMs: number) => Promise<void>;
}

/** What Lambda's event source mapping, or the local one, invokes. */
export type QueueFunction = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/**
 * A function behind a queue: each message on its own, all of a batch at once. A message is deleted
 * only on the verdict to delete it; whatever else happens, it is reported as failed and stays.
 *
 * Of messages that ask for the same attempt, one is settled, and the others are deleted beside it:
 * each would do the same again. Else every copy of a message whose worker died would hand over a next
 * one, and a job's messages would double with each further death.
 */
export const queueConsumer = (
  { telemetry, decode, hide }: QueueConsumerDeps,
  settle: (received: ReceivedMessage) => Promise<Verdict>,
): QueueFunction => {
  const { logger } = telemetry;

  /** Copies differ in what was added on the way: a slot, a time, a count of redrives. */
  const whatItAsksFor = ({ body }: SQSRecord): string => {
    try {
      const { jobId, generation, attempt } = decode(body);
      return JSON.stringify([jobId, generation, attempt]);
    } catch {
      return body;
    }
  };

  const isSettled = async (record: SQSRecord): Promise<boolean> => {
    const log = logger.createChild({ persistentKeys: { message_id: record.messageId } });
    try {
      const message = decode(record.body);
      log.appendKeys({ job_id: message.jobId });
      const verdict = await settle({
        message,
        sentAtMs: sentAtOf(record),
        receives: Number(record.attributes.ApproximateReceiveCount),
      });
      if (verdict.kind === "delete") return true;
      await hide(record, verdict.afterMs);
      log.debug("returned to the queue", { after_ms: verdict.afterMs });
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      log.error("the message could not be settled and stays in its queue", cause);
    }
    return false;
  };

  return middy<SQSEvent, SQSBatchResponse>()
    .use(publishMetrics(telemetry))
    .handler(async ({ Records: records }): Promise<SQSBatchResponse> => {
      const originals = [...Map.groupBy(records, whatItAsksFor).values()].map(youngestOf);
      const settled = await Promise.all(originals.map(isSettled));
      return {
        batchItemFailures: originals
          .filter((_, index) => !settled[index])
          .map(({ messageId }) => ({ itemIdentifier: messageId })),
      };
    });
};

/** The one that is believed in for longest. */
const youngestOf = (copies: readonly SQSRecord[]): SQSRecord =>
  copies.reduce((youngest, copy) => (sentAtOf(copy) > sentAtOf(youngest) ? copy : youngest));

const sentAtOf = ({ attributes }: SQSRecord): number => Number(attributes.SentTimestamp);
