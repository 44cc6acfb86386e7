import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { decodeMessage } from "../../lambdas/adapters/sqs/job-queue.ts";
import { functions, queues } from "../../lib/topology.ts";
import type { FunctionTopology, QueueName } from "../../lib/topology.ts";
import { functionsOf } from "./functions.ts";
import type { QueueHandler } from "./functions.ts";
import type { Monitor } from "./monitor.ts";
import type { SimulatedProcess } from "./world/process.ts";
import type { QueuedMessage } from "./world/sqs.ts";
import { queueArn } from "./world/world.ts";
import type { World } from "./world/world.ts";

/** So many invocations of one queue's function at a time. */
const CONCURRENCY = 6;

interface Instance {
  readonly process: SimulatedProcess;
  readonly handler: QueueHandler;
}

/**
 * Lambda's event source mappings: they receive, invoke, and delete what the function did not report
 * as failed. Instances are used again until they die.
 */
export class EventSource {
  readonly #world: () => World;
  readonly #monitor: Monitor;
  readonly #idle = new Map<QueueName, Instance[]>();
  readonly #running = new Map<QueueName, number>();
  #instances = 0;
  invocations = 0;
  /** How often a function received messages of each job, outages of what it needs left out. */
  readonly receivesOf = new Map<string, number>();

  /** @param world what the queues are part of, once it is made */
  constructor(world: () => World, monitor: Monitor) {
    this.#world = world;
    this.#monitor = monitor;
  }

  /** Looks at a queue then: a message can be received by that time. */
  lookAt(queue: string, atMs: number): void {
    if (!isConsumed(queue)) return;
    this.#world().time.at(atMs, () => this.#pump(queue));
  }

  #pump(queue: QueueName): void {
    const { sqs } = this.#world();
    while ((this.#running.get(queue) ?? 0) < CONCURRENCY) {
      const messages = sqs.receive(queue);
      if (messages.length === 0) return;
      this.#invoke(queue, messages);
    }
  }

  #invoke(queue: QueueName, messages: readonly QueuedMessage[]): void {
    const { faults, sqs, time, plan, trace } = this.#world();
    const place = `invocation ${messages.map(({ body }) => body).join()}`;
    const isDown =
      this.#world().isDown("lambda") ||
      (queue !== "deadLetters" && this.#world().isDown("deliver"));
    if (isDown || faults.hits("invocation_throttled", place)) return;
    const { process, handler } = this.#idle.get(queue)?.pop() ?? this.#newInstance(queue);
    const isOutage = this.#world().isDown("table") || this.#world().isDown("sqs");
    this.#count(queue, 1);
    this.invocations += 1;
    for (const { body } of messages) {
      const { jobId } = decodeMessage(body);
      if (!isOutage) this.receivesOf.set(jobId, (this.receivesOf.get(jobId) ?? 0) + 1);
      this.#monitor.onReceive(jobId);
    }
    trace.add(place, () => `${process.name} gets it from ${queue}`);
    let isOver = false;
    const over = (ended: () => void) => {
      if (isOver) return;
      isOver = true;
      this.#count(queue, -1);
      ended();
      this.#pump(queue);
    };
    process.onDeath(() => over(() => trace.add(place, () => `${process.name} died`)));
    if (plan.endsLongRuns) {
      const { timeoutSeconds } = functionOf(queue);
      time.after(timeoutSeconds * 1_000, () => {
        if (!isOver) process.kill();
      });
    }
    void handler(eventOf(queue, messages), {} as Context).then(
      (answer) =>
        over(() => {
          const failed = new Set(
            (answer as SQSBatchResponse).batchItemFailures.map(
              ({ itemIdentifier }) => itemIdentifier,
            ),
          );
          sqs.delete(
            queue,
            messages.filter(({ id }) => !failed.has(id)),
          );
          this.#idle.set(queue, [...(this.#idle.get(queue) ?? []), { process, handler }]);
        }),
      () => over(() => process.kill()),
    );
  }

  #newInstance(queue: QueueName): Instance {
    const role = queue === "deadLetters" ? "bury" : "deliver";
    this.#instances += 1;
    const process = this.#world().newProcess(`${role}-${this.#instances}`);
    const made = functionsOf(this.#world(), process, role, this.#monitor.observer);
    return { process, handler: role === "bury" ? made.bury() : made.deliver() };
  }

  #count(queue: QueueName, by: number): void {
    this.#running.set(queue, (this.#running.get(queue) ?? 0) + by);
  }
}

const triggersOf = ({ triggers = [] }: FunctionTopology) => triggers.map(({ queue }) => queue);

const functionOf = (queue: QueueName): FunctionTopology => {
  const all: readonly FunctionTopology[] = Object.values(functions);
  const found = all.find((topology) => triggersOf(topology).includes(queue));
  if (!found) throw new Error(`nothing consumes ${queue}`);
  return found;
};

const isConsumed = (queue: string): queue is QueueName =>
  Object.hasOwn(queues, queue) && queue !== "parked";

const eventOf = (queue: QueueName, messages: readonly QueuedMessage[]): SQSEvent => ({
  Records: messages.map(({ id, body, sentAtMs, receives, receipt }) => ({
    messageId: id,
    receiptHandle: receipt,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: String(sentAtMs),
      SenderId: "",
      ApproximateFirstReceiveTimestamp: String(sentAtMs),
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn(queue),
    awsRegion: "us-east-1",
  })),
});
