import { queues } from "../topology.ts";
import type { FunctionTopology, QueueName } from "../topology.ts";
import { tableCallsOf } from "./table-calls.ts";

/**
 * IAM on a laptop: a call that the topology does not grant to the function fails as it would in the
 * cloud, so that a missing grant shows here first.
 */
export class AccessDenied extends Error {
  constructor(command: string, resource: string) {
    super(`the topology does not grant ${command} on ${resource} to this function`);
    this.name = "AccessDeniedException";
  }
}

type Handler<I extends object, O extends object> = (args: { input: I }) => Promise<O>;

/** A middleware for an SDK client of one function. */
export const granted =
  (topology: FunctionTopology, queueUrls: Readonly<Record<string, string>>) =>
  <I extends object, O extends object>(
    next: Handler<I, O>,
    context: { readonly commandName?: string },
  ): Handler<I, O> =>
  (args) => {
    const command = (context.commandName ?? "").replace(/Command$/, "");
    const queueUrl = textMember(args.input, "QueueUrl");
    if (/Schedules?(Groups?)?$/.test(command)) requireSchedules(topology, command);
    else if (queueUrl === undefined) requireTable(topology, command, args.input);
    else requireQueue(topology, command, queueNamed(queueUrls, queueUrl));
    return next(args);
  };

const requireTable = ({ grants }: FunctionTopology, command: string, input: object): void => {
  const calls = tableCallsOf(command, input);
  // What touches nothing that we can name is none of the calls that a topology grants.
  if (calls.length === 0) throw new AccessDenied(command, "the key of no name");
  for (const { action, on } of calls) {
    const isGranted =
      "index" in on
        ? action === "Query" && grants.table?.indexes?.some((name) => name === on.index)
        : grants.table?.keys.some(
            ({ actions, keyPrefixes }) =>
              actions.some((granted) => granted === action) &&
              keyPrefixes.some((prefix) => on.partitionKey.startsWith(prefix)),
          );
    if (isGranted) continue;
    const resource =
      "index" in on ? `the index ${on.index}` : `the key ${on.partitionKey || "of no name"}`;
    throw new AccessDenied(action, resource);
  }
};

/** What each grant on a queue allows, as lib/aws writes it into a policy. */
const QUEUE_COMMANDS = {
  sendTo: ["SendMessage", "SendMessageBatch"],
  consume: ["ChangeMessageVisibility"],
  inspect: ["GetQueueAttributes"],
} as const;

const requireQueue = (
  { grants }: FunctionTopology,
  command: string,
  queue: QueueName | undefined,
): void => {
  const isGranted = (["sendTo", "consume", "inspect"] as const).some(
    (grant) =>
      QUEUE_COMMANDS[grant].some((allowed) => allowed === command) &&
      grants[grant]?.some((name) => name === queue),
  );
  if (!isGranted) throw new AccessDenied(command, `the queue ${queue ?? "of no name"}`);
};

const requireSchedules = ({ grants }: FunctionTopology, command: string): void => {
  const isGranted =
    (grants.schedule && ["CreateSchedule", "DeleteSchedule"].includes(command)) ||
    (grants.inspectSchedules && command === "GetScheduleGroup");
  if (!isGranted) throw new AccessDenied(command, "the group of schedules");
};

const queueNamed = (
  queueUrls: Readonly<Record<string, string>>,
  url: string,
): QueueName | undefined =>
  (Object.keys(queues) as QueueName[]).find((name) => queueUrls[name] === url);

const textMember = (input: object, name: string): string | undefined => {
  const value: unknown = Reflect.get(input, name);
  return typeof value === "string" ? value : undefined;
};
