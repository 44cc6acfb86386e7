import * as z from "zod";
import { wholeNumberText } from "../channels/whole-number.ts";
import { plainText } from "../contract/plain-text.ts";
import { parseAllowList } from "../core/rules/destination-policy.ts";

const name = z.string().min(1);

/** Every variable that a function may be given, one fragment each. */
const fragments = {
  TABLE_NAME: name,
  QUEUE_URL_HIGH: name,
  QUEUE_URL_NORMAL: name,
  QUEUE_URL_LOW: name,
  QUEUE_URL_DEAD_LETTERS: name,
  QUEUE_ARN_HIGH: name,
  QUEUE_ARN_NORMAL: name,
  QUEUE_ARN_LOW: name,
  QUEUE_ARN_DEAD_LETTERS: name,
  SCHEDULE_GROUP: name,
  SCHEDULE_ROLE_ARN: name,
  LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .transform((level) => level.toUpperCase() as Uppercase<typeof level>),
  RETENTION_DAYS: wholeNumberText(1, 3_650),
  INDEX_SHARDS: wholeNumberText(1, 100),
  DEDUPE_WINDOW_SECONDS: wholeNumberText(1),
  /** Jobs waiting in the queues; 0 means any number. */
  QUEUE_CAPACITY: wholeNumberText(0),
  LEASE_SECONDS: wholeNumberText(1),
  DESTINATION_ALLOW: z.string().transform((text, context) => {
    try {
      return parseAllowList(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "" });
      return z.NEVER;
    }
  }),
};

export type VariableName = keyof typeof fragments;
export type Environment = Readonly<Record<string, string | undefined>>;
export type Config<N extends VariableName> = {
  readonly [K in N]: z.infer<(typeof fragments)[K]>;
};

/**
 * A function's settings, read once before its first event.
 *
 * @throws Error that lists every variable that is missing or wrong
 */
export const readConfig = <N extends VariableName>(
  environment: Environment,
  names: readonly N[],
): Config<N> => {
  const shape = Object.fromEntries(names.map((variable) => [variable, fragments[variable]]));
  const parsed = z.object(shape).safeParse(environment, { error: plainText });
  if (parsed.success) return Object.freeze(parsed.data) as Config<N>;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`wrong settings: ${faults.join("; ")}`);
};
