import type { Deviation } from "./deviation.ts";
import { miniStackDeviations } from "./ministack-deviations.ts";

const DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest";
const SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest";

/**
 * Every deviation that is known. Its test must fail: an entry goes as soon as the server is mended.
 * `npm run generate` prints them into docs/emulators.md.
 */
export const deviations: readonly Deviation[] = [
  {
    server: "fauxqs",
    suite: "SQS",
    test: "refuses a delay over 900 s, and one below 0",
    failsWith: /expected 'accepted' not to be 'accepted'/,
    does: "It takes any delay.",
    aws: "A message is delayed for 0 to 900 seconds.",
    page: `${SQS}/APIReference/API_SendMessage.html`,
    held: "The queue adapter never asks for a delay out of these bounds.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "sends the others of a batch that holds one with a wrong delay, and names it",
    failsWith: /expected \[ 'right', 'wrong' \] to deeply equal \[ 'right' \]/,
    does: "It takes any delay.",
    aws: "The result of sending each message of a batch is reported by itself.",
    page: `${SQS}/APIReference/API_SendMessageBatch.html`,
    held: "The queue adapter never asks for a delay out of these bounds.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "deletes the others of a batch that holds one with a wrong receipt, and names it",
    failsWith: /expected \[ 'right', 'wrong' \] to deeply equal \[ 'right' \]/,
    does: "It answers that it deleted what it does not know.",
    aws: "The result of deleting each message of a batch is reported by itself.",
    page: `${SQS}/APIReference/API_DeleteMessageBatch.html`,
    held: "A message that was not deleted comes again, and the table refuses a second attempt.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "lets a long poll go on whose message another one took",
    failsWith: /expected [\d.]+ to be greater than or equal to 1998/,
    does: "It ends every poll of the queue with no message when one of them gets it.",
    aws: "An empty answer is sent only when the wait time is over.",
    page: `${SQS}/SQSDeveloperGuide/sqs-short-and-long-polling.html`,
    held: "Whoever polls asks again after an empty answer.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "carries text beyond the basic plane",
    failsWith: /^AWS\.SimpleQueueService\.InvalidMessageContents: /,
    does: "It refuses characters from U+10000.",
    aws: "A message may hold U+10000 to U+10FFFF.",
    page: `${SQS}/SQSDeveloperGuide/quotas-messages.html`,
    held: "Our messages are JSON in ASCII.",
  },
  {
    server: "DynamoDB Local",
    suite: "DynamoDB",
    test: "ends a page before it holds more than a megabyte, and goes on from there",
    failsWith: /expected 4 to be less than 4/,
    does: "It ends a page with the item that goes over a megabyte.",
    aws: "A page is a megabyte of data or less.",
    page: `${DYNAMODB}/developerguide/Query.Pagination.html`,
    held: "Whoever reads pages goes on until there is no next key.",
  },
  ...miniStackDeviations,
];
