import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Clock, HasRoom } from "../../core/ports.ts";

/** How old a count may be. */
const COUNT_FOR_MS = 5_000;

const COUNTS = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

/**
 * Whether the queues hold fewer messages than they may, by a count of at most five seconds ago and
 * what was let in since.
 *
 * @param capacity how many they may hold; 0 means any number
 */
export const makeHasRoom = (
  client: SQSClient,
  queueUrls: readonly string[],
  capacity: number,
  clock: Pick<Clock, "now">,
): HasRoom => {
  let countedAtMs = -Infinity;
  let held: Promise<number> = Promise.resolve(0);
  let letIn = 0;
  return async (jobs) => {
    if (capacity === 0) return true;
    const nowMs = clock.now();
    if (nowMs - countedAtMs > COUNT_FOR_MS) {
      countedAtMs = nowMs;
      letIn = 0;
      held = countMessages(client, queueUrls).catch((error: unknown) => {
        countedAtMs = -Infinity; // so that the next one counts again
        throw error;
      });
    }
    if ((await held) + letIn + jobs > capacity) return false;
    letIn += jobs;
    return true;
  };
};

const countMessages = async (client: SQSClient, queueUrls: readonly string[]): Promise<number> => {
  const counts = await Promise.all(
    queueUrls.map(async (url) => {
      const { Attributes: attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...COUNTS] }),
      );
      return COUNTS.reduce((sum, name) => sum + Number(attributes[name] ?? 0), 0);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
};
