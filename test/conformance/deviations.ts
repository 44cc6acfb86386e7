const DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest";
const SCHEDULER = "https://docs.aws.amazon.com/scheduler/latest";
const SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest";

const HTTP_API = "https://docs.aws.amazon.com/apigateway/latest/developerguide";
const AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference";

/** The suites of this folder, and what is asked of a deployment. */
export type SuiteName =
  | "DynamoDB"
  | "SQS"
  | "Scheduler"
  | "JobStore"
  | "JobList"
  | "RateBuckets"
  | "JobQueue"
  | "JobScheduler"
  | "Policies"
  | "black box";

/** Which suites run over which server, so that no entry can be for one that never runs. */
type Run =
  | {
      readonly server: "dynoxide" | "DynamoDB Local";
      readonly suite: "DynamoDB" | "JobStore" | "JobList" | "RateBuckets";
    }
  | { readonly server: "fauxqs"; readonly suite: "SQS" | "JobQueue" }
  | { readonly server: "our Scheduler"; readonly suite: "Scheduler" | "JobScheduler" }
  | { readonly server: "MiniStack"; readonly suite: SuiteName };

/** A test that a server fails, where AWS, by its own word, would not. */
export type Deviation = Run & {
  /** The title of the test. */
  readonly test: string;
  readonly does: string;
  readonly aws: string;
  /** Where AWS says so. */
  readonly page: `https://docs.aws.amazon.com/${string}`;
  /** Why our code holds all the same. */
  readonly held: string;
};

/**
 * Every deviation that is known. Its test must fail: an entry goes as soon as the server is mended.
 * `npm run generate` prints them into docs/emulators.md.
 */
export const deviations: readonly Deviation[] = [
  {
    server: "fauxqs",
    suite: "SQS",
    test: "refuses a delay over 900 s, and one below 0",
    does: "It takes any delay.",
    aws: "A message is delayed for 0 to 900 seconds.",
    page: `${SQS}/APIReference/API_SendMessage.html`,
    held: "The queue adapter never asks for a delay out of these bounds.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "sends the others of a batch that holds one with a wrong delay, and names it",
    does: "It takes any delay.",
    aws: "The result of sending each message of a batch is reported by itself.",
    page: `${SQS}/APIReference/API_SendMessageBatch.html`,
    held: "The queue adapter never asks for a delay out of these bounds.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "deletes the others of a batch that holds one with a wrong receipt, and names it",
    does: "It answers that it deleted what it does not know.",
    aws: "The result of deleting each message of a batch is reported by itself.",
    page: `${SQS}/APIReference/API_DeleteMessageBatch.html`,
    held: "A message that was not deleted comes again, and the table refuses a second attempt.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "lets a long poll go on whose message another one took",
    does: "It ends every poll of the queue with no message when one of them gets it.",
    aws: "An empty answer is sent only when the wait time is over.",
    page: `${SQS}/SQSDeveloperGuide/sqs-short-and-long-polling.html`,
    held: "Whoever polls asks again after an empty answer.",
  },
  {
    server: "fauxqs",
    suite: "SQS",
    test: "carries text beyond the basic plane",
    does: "It refuses characters from U+10000.",
    aws: "A message may hold U+10000 to U+10FFFF.",
    page: `${SQS}/SQSDeveloperGuide/quotas-messages.html`,
    held: "Our messages are JSON in ASCII.",
  },
  {
    server: "DynamoDB Local",
    suite: "DynamoDB",
    test: "ends a page before it holds more than a megabyte, and goes on from there",
    does: "It ends a page with the item that goes over a megabyte.",
    aws: "A page is a megabyte of data or less.",
    page: `${DYNAMODB}/developerguide/Query.Pagination.html`,
    held: "Whoever reads pages goes on until there is no next key.",
  },
  {
    server: "MiniStack",
    suite: "DynamoDB",
    test: "bills a read with one unit for each 4 KB, half if it need not be consistent",
    does: "It bills a read of any size with one unit.",
    aws: "A consistent read takes one unit for each 4 KB, another half of that.",
    page: `${DYNAMODB}/developerguide/read-write-operations.html`,
    held: "No code of ours reads units, and tests that count them run on dynoxide.",
  },
  {
    server: "MiniStack",
    suite: "DynamoDB",
    test: "bills two units a kilobyte of the table for a transaction's writes",
    does: "It bills a transaction in one sum.",
    aws: "With INDEXES the answer has the units of each table and index.",
    page: `${DYNAMODB}/APIReference/API_TransactWriteItems.html`,
    held: "No code of ours reads units, and tests that count them run on dynoxide.",
  },
  {
    server: "MiniStack",
    suite: "DynamoDB",
    test: "bills an index of a transaction's write with a unit at least",
    does: "It bills a transaction in one sum.",
    aws: "With INDEXES the answer has the units of each table and index.",
    page: `${DYNAMODB}/APIReference/API_TransactWriteItems.html`,
    held: "No code of ours reads units, and tests that count them run on dynoxide.",
  },
  {
    server: "MiniStack",
    suite: "SQS",
    test: "refuses a delay over 900 s, and one below 0",
    does: "It takes any delay.",
    aws: "A message is delayed for 0 to 900 seconds.",
    page: `${SQS}/APIReference/API_SendMessage.html`,
    held: "The queue adapter never asks for a delay out of these bounds.",
  },
  {
    server: "MiniStack",
    suite: "SQS",
    test: "sends the others of a batch that holds one with a wrong delay, and names it",
    does: "It takes any delay.",
    aws: "The result of sending each message of a batch is reported by itself.",
    page: `${SQS}/APIReference/API_SendMessageBatch.html`,
    held: "The queue adapter never asks for a delay out of these bounds.",
  },
  {
    server: "MiniStack",
    suite: "SQS",
    test: "hides a message for twelve hours, and refuses more",
    does: "It hides a message for as long as is asked.",
    aws: "A message is hidden for 0 to 43,200 seconds.",
    page: `${SQS}/APIReference/API_ChangeMessageVisibility.html`,
    held: "The adapter that hides messages never asks for more.",
  },
  {
    server: "MiniStack",
    suite: "SQS",
    test: "refuses to hide what is no longer in flight",
    does: "It takes the call.",
    aws: "A message that is not in flight is refused with MessageNotInflight.",
    page: `${SQS}/APIReference/API_ChangeMessageVisibility.html`,
    held: "Only the function that holds a message hides it.",
  },
  {
    server: "MiniStack",
    suite: "SQS",
    test: "answers a delete by an old receipt well, and one by the latest deletes",
    does: "It refuses an old receipt as invalid.",
    aws: "A delete by an old receipt succeeds, and may not delete.",
    page: `${SQS}/APIReference/API_DeleteMessage.html`,
    held: "A message that was not deleted comes again, and the table refuses a second attempt.",
  },
  {
    server: "MiniStack",
    suite: "Scheduler",
    test: "a schedule may not have a name of more than 64 characters",
    does: "It takes longer names.",
    aws: "A name has at most 64 characters.",
    page: `${SCHEDULER}/APIReference/API_CreateSchedule.html`,
    held: "Our names have 43 characters.",
  },
  {
    server: "MiniStack",
    suite: "Scheduler",
    test: "a schedule is made once by a create that is repeated because its answer was lost",
    does: "It knows no client token, and answers the repeat with a conflict.",
    aws: "A client token makes the call idempotent.",
    page: `${SCHEDULER}/APIReference/API_CreateSchedule.html`,
    held: "Our adapter takes a conflict for success, since the name stands for the message and its instant.",
  },
  {
    server: "MiniStack",
    suite: "Scheduler",
    test: "a schedule is refused for a time that has passed, new or moved",
    does: "It takes the schedule.",
    aws: "AWS refuses it with a ValidationException, though its page names the error and not this case.",
    page: `${SCHEDULER}/APIReference/API_CreateSchedule.html`,
    held: "The message carries its time, and whoever receives it early hands it on.",
  },
  {
    server: "MiniStack",
    suite: "JobScheduler",
    test: "refuses an instant whose schedule would lie in the past",
    does: "It takes the schedule.",
    aws: "AWS refuses it with a ValidationException, though its page names the error and not this case.",
    page: `${SCHEDULER}/APIReference/API_CreateSchedule.html`,
    held: "The message carries its time, and whoever receives it early hands it on.",
  },
  {
    server: "MiniStack",
    suite: "Scheduler",
    test: "a schedule is refused for an expression that is no instant",
    does: "It takes any text.",
    aws: "A one-time schedule is at(yyyy-mm-ddThh:mm:ss).",
    page: `${SCHEDULER}/UserGuide/schedule-types.html`,
    held: "Our expressions are printed from an instant in this form.",
  },
  {
    server: "MiniStack",
    suite: "Scheduler",
    test: "a schedule is refused with a retry policy beyond the limits",
    does: "It takes any figures.",
    aws: "An event lives for 60 to 86,400 seconds and is tried again 0 to 185 times.",
    page: `${SCHEDULER}/APIReference/API_RetryPolicy.html`,
    held: "Ours asks for the most that is allowed.",
  },
  {
    server: "MiniStack",
    suite: "Scheduler",
    test: "a list shows every schedule of the group once, in pages, while more are made",
    does: "It gives the first page without a token for the next.",
    aws: "A token leads to the next page if there is one.",
    page: `${SCHEDULER}/APIReference/API_ListSchedules.html`,
    held: "Only the local recovery counts schedules, and what it misses is sent anew, which does no harm.",
  },
  {
    server: "MiniStack",
    suite: "Scheduler",
    test: "a list is refused for a group that is not there, and for a size out of bounds",
    does: "It answers with a list.",
    aws: "An unknown group is a ResourceNotFoundException, and a page has 1 to 100 schedules.",
    page: `${SCHEDULER}/APIReference/API_ListSchedules.html`,
    held: "Only the local recovery counts schedules, and what it misses is sent anew, which does no harm.",
  },
  {
    server: "MiniStack",
    suite: "Policies",
    test: "lets whoever may send a message send several at once",
    does: "It asks for an action sqs:SendMessageBatch.",
    aws: "SQS knows one action for sending, sqs:SendMessage.",
    page: `${AUTHORIZATION}/list_amazonsqs.html`,
    held: "The stage `local` grants both; no other stage does.",
  },
  {
    server: "MiniStack",
    suite: "Policies",
    test: "lets whoever may make schedules in a group make one there",
    does: "It looks for every schedule in the group `default` when it asks a policy.",
    aws: "A schedule's ARN has its group in it.",
    page: `${AUTHORIZATION}/list_amazoneventbridgescheduler.html`,
    held: "The stage `local` grants that group, too; no other stage does.",
  },
  {
    server: "MiniStack",
    suite: "black box",
    test: "/healthz/ is another path, and 404",
    does: "It takes a single segment with a slash after it for the segment alone.",
    aws: "A route matches its path, and what no route matches goes to $default.",
    page: `${HTTP_API}/http-api-develop-routes.html`,
    held: "Paths of ours with more segments are told apart; who asks /healthz/ gets /healthz.",
  },
  {
    server: "MiniStack",
    suite: "black box",
    test: "OPTIONS /v1/jobs/batch is 405 and names what is allowed",
    does: "It answers every OPTIONS by itself, with 403.",
    aws: "Without CORS a preflight request goes to $default, as any request that no route matches.",
    page: `${HTTP_API}/http-api-cors.html`,
    held: "The answer is a refusal, only not in our words.",
  },
];
