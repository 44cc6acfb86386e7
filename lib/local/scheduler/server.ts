/**
 * A server for the part of EventBridge Scheduler that PulseGate uses, in the REST protocol that the
 * AWS SDK speaks: JSON bodies, group and paging in body or query, dates as epoch seconds, errors as
 * `{"Message"}` with their type in `x-amzn-errortype`. One action a file, in `actions/`.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Action, ActionContext } from "./action.ts";
import { createScheduleGroup } from "./actions/create-schedule-group.ts";
import { createSchedule } from "./actions/create-schedule.ts";
import { deleteScheduleGroup } from "./actions/delete-schedule-group.ts";
import { deleteSchedule } from "./actions/delete-schedule.ts";
import { getScheduleGroup } from "./actions/get-schedule-group.ts";
import { getSchedule } from "./actions/get-schedule.ts";
import { listScheduleGroups } from "./actions/list-schedule-groups.ts";
import { listSchedules } from "./actions/list-schedules.ts";
import { updateSchedule } from "./actions/update-schedule.ts";
import { invalid, SchedulerError } from "./errors.ts";
import { startFiring } from "./firing.ts";
import { makeSendToQueue } from "./send-to-queue.ts";
import { openScheduleStore } from "./store.ts";
import type { ScheduleStore } from "./store.ts";

export interface SchedulerProps {
  /** Where the schedules are kept. */
  readonly folder: string;
  /** Where they send to. */
  readonly sqs: SQSClient;
  /** @default the machine's */
  readonly clock?: { now(): number };
}

export interface Scheduler {
  readonly endpoint: string;
  /** Looks at the clock at once: for whoever has set it. */
  wake(): void;
  /** Ends it, with its schedules written. */
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
/** Over the longest input of a target. */
const MAX_BODY_BYTES = 1_048_576;

const actions: Readonly<Record<string, Action>> = {
  "POST schedules/{name}": createSchedule,
  "PUT schedules/{name}": updateSchedule,
  "GET schedules/{name}": getSchedule,
  "DELETE schedules/{name}": deleteSchedule,
  "GET schedules": listSchedules,
  "POST schedule-groups/{name}": createScheduleGroup,
  "GET schedule-groups/{name}": getScheduleGroup,
  "DELETE schedule-groups/{name}": deleteScheduleGroup,
  "GET schedule-groups": listScheduleGroups,
};

/**
 * Starts it on loopback, and fires at once what came due while nobody ran.
 *
 * @throws Error of one line if the folder's schedules cannot be read
 */
export const startScheduler = async (props: SchedulerProps): Promise<Scheduler> => {
  const { folder, sqs, clock = { now: () => Date.now() } } = props;
  const store = openStore(folder);
  if (!store.findGroup("default")) store.putGroup({ name: "default", createdAtMs: clock.now() });
  const firing = startFiring({ store, clock, send: makeSendToQueue(sqs) });
  const context: ActionContext = { store, clock, wake: () => firing.wake() };

  const server = createServer((request, response) => void answer(context, request, response));
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    endpoint: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    wake: () => firing.wake(),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await firing.stop();
      store.close();
    },
  };
};

const openStore = (folder: string): ScheduleStore => {
  try {
    return openScheduleStore(folder);
  } catch (error) {
    const file = join(folder, "schedules.db");
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The schedules ${file} cannot be read; move them away to start with none (${why})`,
      { cause: error },
    );
  }
};

const answer = async (
  context: ActionContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const write = (status: number, body: unknown, headers: Record<string, string> = {}) =>
    response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(JSON.stringify(body));
  try {
    write(200, await carryOut(context, request));
  } catch (error) {
    const refusal =
      error instanceof SchedulerError
        ? error
        : new SchedulerError("InternalServerException", 500, String(error));
    write(refusal.status, { Message: refusal.message }, { "x-amzn-errortype": refusal.type });
  }
};

const carryOut = async (context: ActionContext, request: IncomingMessage): Promise<object> => {
  const body = await readBody(request);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const [, resource = "", name] = /^\/([^/]*)(?:\/([^/]*))?$/.exec(pathname) ?? [];
  const route = `${request.method} ${resource}${name === undefined ? "" : "/{name}"}`;
  const action = actions[route];
  if (!action) throw new SchedulerError("UnknownOperationException", 404, `no action: ${route}`);
  return action(context, {
    name: decode(name ?? ""),
    query: Object.fromEntries(searchParams),
    body,
  });
};

const decode = (name: string): string => {
  try {
    return decodeURIComponent(name);
  } catch {
    throw invalid(`'name' is not a name: ${name}`);
  }
};

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw invalid(`the body is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (length === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    throw new SchedulerError("SerializationException", 400, "the body is not JSON");
  }
};
