import { TransactionConflictException, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { clientLimits } from "../../../lambdas/wiring/clients.ts";
import { GRAVE_SETBACK, NoAnswer, Throttled } from "./process.ts";
import type { SimulatedProcess } from "./process.ts";
import { applyToTable, cancelledFor } from "./table-faults.ts";
import type { Service, World } from "./world.ts";

/**
 * The SDK's clients, as one process has them: they repeat what was throttled or not answered, so
 * that a write whose answer was lost meets itself.
 */
export const clientsOf = (world: World, process: SimulatedProcess, role: string) => {
  const client = (service: Service, apply: (place: string, command: object) => object) => ({
    send: (command: object) => {
      const place = `${role}|${subjectOf(command)}|${command.constructor.name}`;
      return repeated(command, place, () =>
        process.call(
          place,
          () => {
            const answer = apply(place, command);
            world.trace.add(place, () => `${command.constructor.name}: done`);
            return answer;
          },
          { limitMs: clientLimits.requestHandler.requestTimeout, isDown: world.isDown(service) },
        ),
      );
    },
  });
  const repeated = async <T>(
    command: object,
    place: string,
    call: () => Promise<T>,
  ): Promise<T> => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await call();
      } catch (error) {
        const isLost = error instanceof NoAnswer;
        if (isLost || error instanceof TransactionConflictException) process.suffer(1);
        if (!isLost && !(error instanceof Throttled)) throw error;
        if (!isLost && isCancelled(command, place, tried)) {
          throw cancelledFor("ThrottlingError", command.input);
        }
        if (tried >= clientLimits.maxAttempts) {
          process.suffer(GRAVE_SETBACK);
          throw error;
        }
        await process.sleep(50 * 2 ** tried * world.chance.pure(`retry|${place}`, tried));
      }
    }
  };
  /** A throttled transaction can come as a cancelled one: an answer, which the SDK does not repeat. */
  const isCancelled = (
    command: object,
    place: string,
    tried: number,
  ): command is TransactWriteItemsCommand =>
    command instanceof TransactWriteItemsCommand &&
    world.chance.pure(`cancelled|${place}`, tried) < 0.5;
  const apply = (place: string, command: object): object => {
    world.acting.process = process;
    const answer = applyToTable(world, place, command);
    world.acting.process = undefined;
    return answer;
  };
  // Ours send commands and read answers; of the clients' other members they know nothing.
  return {
    dynamodb: client("table", apply) as unknown as DynamoDBClient,
    sqs: client("sqs", (_, command) => world.sqs.apply(command)) as unknown as SQSClient,
    scheduler: client("scheduler", (_, command) =>
      world.scheduler.apply(command),
    ) as unknown as SchedulerClient,
  };
};

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
