import {
  ChangeMessageVisibilityCommand,
  MessageNotInflight,
  QueueDoesNotExist,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import type { NamedChance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A message as it lies in a queue. */
export interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  /** Also in a dead-letter queue: when it was first sent. */
  readonly sentAtMs: number;
  visibleAtMs: number;
  receives: number;
  /** Of its latest receipt. */
  receipt: string;
}

export interface QueueProps {
  readonly name: string;
  readonly visibilityMs: number;
  readonly redrive?: { readonly to: string; readonly maxReceives: number };
}

export interface SqsProps {
  readonly time: VirtualTime;
  readonly chance: NamedChance;
  readonly faults: Faults;
  readonly queues: readonly QueueProps[];
  /** Told when a message of a queue can be received: now, or at a later instant. */
  readonly onVisible: (queue: string, atMs: number) => void;
  /** Told of a message that was received too often. */
  readonly onDeadLetter?: (body: string) => void;
}

interface Queue extends QueueProps {
  readonly messages: Map<string, QueuedMessage>;
}

/**
 * SQS's standard queues, as bad as they are allowed to be: messages come in any order, sometimes
 * twice, sometimes late, and again when their visibility timeout is over; who receives one too
 * often finds it in the dead-letter queue.
 */
export class SimulatedSqs {
  /** Calls that AWS would bill, by name. */
  readonly requests = { send: 0, receive: 0, delete: 0, hide: 0 };
  readonly #props: SqsProps;
  readonly #queues: ReadonlyMap<string, Queue>;
  #sent = 0;

  constructor(props: SqsProps) {
    this.#props = props;
    this.#queues = new Map(
      props.queues.map((queue) => [queue.name, { ...queue, messages: new Map() }]),
    );
  }

  /** What the SDK's client would answer. The URL of a queue ends in its name, as its ARN does. */
  apply(command: object): object {
    if (command instanceof SendMessageCommand) {
      const { QueueUrl, MessageBody, DelaySeconds } = command.input;
      this.requests.send += 1;
      return { MessageId: this.send(nameOf(QueueUrl), MessageBody ?? "", DelaySeconds) };
    }
    if (command instanceof SendMessageBatchCommand) {
      const { QueueUrl, Entries = [] } = command.input;
      this.requests.send += 1;
      const taken = Entries.filter(
        ({ MessageBody = "" }) => !this.#props.faults.hits("batch_in_part", placeOf(MessageBody)),
      );
      return {
        Successful: taken.map(({ Id, MessageBody, DelaySeconds }) => ({
          Id,
          MessageId: this.send(nameOf(QueueUrl), MessageBody ?? "", DelaySeconds),
        })),
        Failed: Entries.filter((entry) => !taken.includes(entry)).map(({ Id }) => ({
          Id,
          Code: "InternalError",
          SenderFault: false,
        })),
      };
    }
    if (command instanceof ChangeMessageVisibilityCommand) {
      const { QueueUrl, ReceiptHandle, VisibilityTimeout = 0 } = command.input;
      this.requests.hide += 1;
      this.#hide(nameOf(QueueUrl), ReceiptHandle ?? "", VisibilityTimeout * 1_000);
      return {};
    }
    throw new Error(`the simulated SQS knows no ${command.constructor.name}`);
  }

  /** Puts a message into a queue; returns its id. */
  send(queueName: string, body: string, delaySeconds = 0, sentAtMs = this.#now()): string {
    if (!(Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= 900)) {
      throw new RangeError(`SQS delays for 0 to 900 whole seconds, not ${delaySeconds}`);
    }
    const { faults, chance } = this.#props;
    const place = placeOf(body);
    this.#sent += 1;
    const id = `message-${this.#sent}`;
    const lateMs = faults.hits("message_late", place) ? chance.pure(`late|${place}`) * 90_000 : 0;
    const visibleAtMs = this.#now() + delaySeconds * 1_000 + lateMs;
    this.#put(queueName, { id, body, sentAtMs, visibleAtMs, receives: 0, receipt: "" });
    if (faults.hits("message_doubled", place)) {
      const againMs = chance.pure(`doubled|${place}`) ** 2 * 120_000;
      this.#put(queueName, {
        id: `${id}-again`,
        body,
        sentAtMs,
        visibleAtMs: visibleAtMs + againMs,
        receives: 0,
        receipt: "",
      });
    }
    return id;
  }

  /** Some that are visible, in an order of chance, hidden from now on. */
  receive(queueName: string, atMost = 10): readonly QueuedMessage[] {
    const queue = this.#queue(queueName);
    const nowMs = this.#now();
    const visible: QueuedMessage[] = [];
    for (const message of queue.messages.values()) {
      if (message.visibleAtMs > nowMs) continue;
      if (queue.redrive && message.receives >= queue.redrive.maxReceives) {
        queue.messages.delete(message.id);
        this.#props.onDeadLetter?.(message.body);
        this.#put(queue.redrive.to, { ...message, receives: 0, visibleAtMs: nowMs });
      } else visible.push(message);
    }
    if (visible.length === 0) return [];
    this.requests.receive += 1;
    const { chance } = this.#props;
    const order = (message: QueuedMessage) =>
      chance.pure(`order|${message.body}`, message.receives);
    const received = visible.toSorted((a, b) => order(a) - order(b)).slice(0, atMost);
    for (const message of received) {
      message.receives += 1;
      message.receipt = `${message.id}#${message.receives}`;
      message.visibleAtMs = nowMs + queue.visibilityMs;
      this.#props.onVisible(queueName, message.visibleAtMs);
    }
    return received.map((message) => ({ ...message }));
  }

  /** Deletes what was received, as an event source mapping does after an invocation. */
  delete(queueName: string, received: readonly QueuedMessage[]): void {
    const { messages } = this.#queue(queueName);
    const { faults } = this.#props;
    if (received.length > 0) this.requests.delete += 1;
    for (const { id, receipt, body } of received) {
      const message = messages.get(id);
      if (!message) continue;
      const isOld = message.receipt !== receipt;
      const place = placeOf(body);
      // AWS promises nothing for a receipt that is not the latest.
      const isDone = isOld
        ? faults.hits("old_receipt_deletes", place)
        : !faults.hits("delete_lost", place);
      if (isDone) messages.delete(id);
    }
  }

  /** Makes a received message visible again, at once. */
  giveBack(queueName: string, receipt: string): void {
    this.#hide(queueName, receipt, 0);
  }

  /** How many messages there are, visible or not. */
  countOf(queueName: string): number {
    return this.#queue(queueName).messages.size;
  }

  #hide(queueName: string, receipt: string, ms: number): void {
    const message = this.#queue(queueName).messages.get(receipt.split("#")[0] ?? "");
    if (!message || message.receipt !== receipt || message.visibleAtMs <= this.#now()) {
      throw new MessageNotInflight({ message: "the message is not in flight", $metadata: {} });
    }
    message.visibleAtMs = this.#now() + ms;
    this.#props.onVisible(queueName, message.visibleAtMs);
  }

  #put(queueName: string, message: QueuedMessage): void {
    this.#queue(queueName).messages.set(message.id, message);
    this.#props.onVisible(queueName, message.visibleAtMs);
  }

  #queue(name: string): Queue {
    const queue = this.#queues.get(name);
    if (!queue) throw new QueueDoesNotExist({ message: `no queue ${name}`, $metadata: {} });
    return queue;
  }

  #now = () => this.#props.time.now();
}

const nameOf = (urlOrArn: string | undefined): string => urlOrArn?.split(/[/:]/).at(-1) ?? "";

/** Messages are told apart by what they say, so that the same one meets the same fault. */
const placeOf = (body: string): string => `message ${body}`;
