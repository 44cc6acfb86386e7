import { TransactionCanceledException, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits } from "../../../lambdas/wiring/clients.ts";
import { NoAnswer, Throttled } from "./process.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Service, World } from "./world.ts";

/**
 * The SDK's clients, as one process has them: they repeat what was throttled or not answered, so
 * that a write whose answer was lost meets itself.
 */
export const clientsOf = (world: World, process: SimulatedProcess, role: string) => {
  const client = (service: Service, apply: (command: object) => object) => ({
    send: (command: object) => {
      const place = `${role}|${subjectOf(command)}|${command.constructor.name}`;
      const tries =
        // A cancelled transaction is an answer: the SDK repeats none, whatever its reason.
        command instanceof TransactWriteItemsCommand ? 1 : clientLimits.maxAttempts;
      return repeated(tries, place, () =>
        process.call(
          place,
          () => {
            const answer = apply(command);
            world.trace.add(place, () => `${command.constructor.name}: done`);
            return answer;
          },
          { limitMs: clientLimits.requestHandler.requestTimeout, isDown: world.isDown(service) },
        ),
      );
    },
  });
  const repeated = async <T>(tries: number, place: string, call: () => Promise<T>): Promise<T> => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await call();
      } catch (error) {
        const isPassing = error instanceof Throttled || error instanceof NoAnswer;
        if (!isPassing || tried >= tries) throw asTheSdkDoes(error, tries);
        await process.sleep(50 * 2 ** tried * world.chance.pure(`retry|${place}`, tried));
      }
    }
  };
  // Ours send commands and read answers; of the clients' other members they know nothing.
  return {
    dynamodb: client("table", (command) => world.table.apply(command)) as unknown as DynamoDBClient,
    sqs: client("sqs", (command) => world.sqs.apply(command)) as unknown as SQSClient,
    scheduler: client("scheduler", (command) =>
      world.scheduler.apply(command),
    ) as unknown as SchedulerClient,
  };
};

/** A throttled transaction comes as a cancelled one. */
const asTheSdkDoes = (error: unknown, tries: number): unknown =>
  error instanceof Throttled && tries === 1
    ? new TransactionCanceledException({
        message: "Transaction cancelled",
        $metadata: {},
        CancellationReasons: [{ Code: "ThrottlingError" }],
      })
    : error;

/** What a call is about: the key of its item, or the message that it sends. */
const subjectOf = (command: object): string => {
  const { input } = command as { input: CommandInput };
  return (
    input.Key?.["pk"]?.S ??
    input.Item?.["pk"]?.S ??
    input.TransactItems?.map(
      ({ Put, Update }) => Put?.Item?.["pk"]?.S ?? Update?.Key?.["pk"]?.S,
    )[0] ??
    input.MessageBody ??
    input.Entries?.map(({ MessageBody }) => MessageBody).join() ??
    input.ReceiptHandle ??
    input.Name ??
    Object.values(input.ExpressionAttributeValues ?? {})[0]?.S ??
    "something"
  );
};

interface CommandInput {
  readonly Key?: Readonly<Record<string, { S?: string }>>;
  readonly Item?: Readonly<Record<string, { S?: string }>>;
  readonly TransactItems?: readonly {
    readonly Put?: { readonly Item?: Readonly<Record<string, { S?: string }>> };
    readonly Update?: { readonly Key?: Readonly<Record<string, { S?: string }>> };
  }[];
  readonly MessageBody?: string;
  readonly Entries?: readonly { readonly MessageBody?: string }[];
  readonly ReceiptHandle?: string;
  readonly Name?: string;
  readonly ExpressionAttributeValues?: Readonly<Record<string, { S?: string }>>;
}
