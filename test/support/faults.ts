import { TransactionConflictException } from "@aws-sdk/client-dynamodb";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** The worker's process ends at this point: nothing after it happens. */
export class Death extends Error {
  constructor(where: string) {
    super(`the worker died ${where}`);
    this.name = "Death";
  }
}

type Methods<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never;
}[keyof T];

/** A port whose user dies right before or right after one of its calls. */
export const dying = <T extends object>(port: T, method: Methods<T>, when: "before" | "after"): T =>
  intercepted(port, method, async (call) => {
    if (when === "after") await call();
    throw new Death(`${when} ${String(method)}`);
  });

/** A port with one call that a test takes into its own hands. */
export const intercepted = <T extends object>(
  port: T,
  method: Methods<T>,
  intercept: (call: () => Promise<unknown>) => Promise<unknown>,
): T =>
  new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (name !== method || typeof member !== "function") return member;
      return (...args: unknown[]) =>
        intercept(() => Reflect.apply(member, target, args) as Promise<unknown>);
    },
  });

/** A freeze: whoever calls `reach` waits until the test thaws it, and the test can wait for that. */
export const freeze = () => {
  const reached = Promise.withResolvers<void>();
  const thawed = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    thaw: () => thawed.resolve(),
    async reach() {
      reached.resolve();
      await thawed.promise;
    },
  };
};

/**
 * Loses the next answers to one command, good or bad: the server has carried it out, and the client
 * hears of a broken connection, as the SDK itself does, which then repeats the call.
 *
 * @param isMeant which calls of the command; all of them if left out
 */
export const loseAnswers = (
  client: DynamoDBClient,
  command: string,
  times: number,
  isMeant: (input: object) => boolean = () => true,
): void => {
  let left = times;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const isLost =
        "commandName" in context && context.commandName === command && isMeant(args.input);
      if (!isLost || left === 0) return next(args);
      left -= 1;
      await next(args).catch(() => undefined);
      throw Object.assign(new Error("socket hang up"), {
        code: "ECONNRESET",
        name: "TimeoutError",
      });
    },
    { step: "deserialize", priority: "high", name: `loseAnswers${command}` },
  );
};

/**
 * The n-th calls of one command (1, 2, …) meet a transaction under way on their item, which the
 * embedded table, one write at a time, never shows.
 */
export const meetTransactions = (
  client: DynamoDBClient,
  command: string,
  nth: readonly number[],
): void => {
  let calls = 0;
  client.middlewareStack.add(
    (next, context) => (args) => {
      if ("commandName" in context && context.commandName === command) {
        calls += 1;
        if (nth.includes(calls)) {
          throw new TransactionConflictException({
            message: "Transaction is ongoing",
            $metadata: {},
          });
        }
      }
      return next(args);
    },
    { step: "initialize", name: `meetTransactions${command}` },
  );
};

/** Sums what DynamoDB bills for the calls of a client. */
export const countCapacity = (
  client: DynamoDBClient,
): {
  readonly of: () => { readonly reads: number; readonly writes: number };
} => {
  let reads = 0;
  let writes = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const input = { ...args.input, ReturnConsumedCapacity: "TOTAL" } as typeof args.input;
      const result = await next({ ...args, input });
      const { ConsumedCapacity: consumed } = result.output as {
        ConsumedCapacity?: Capacity | readonly Capacity[];
      };
      const units = [consumed ?? []]
        .flat()
        .reduce((sum, { CapacityUnits: more = 0 }) => sum + more, 0);
      const name = "commandName" in context ? context.commandName : "";
      if (/^(Get|BatchGet|Query|Scan)/.test(name)) reads += units;
      else writes += units;
      return result;
    },
    { step: "initialize", name: "countCapacity" },
  );
  return { of: () => ({ reads, writes }) };
};

interface Capacity {
  readonly CapacityUnits?: number;
}
