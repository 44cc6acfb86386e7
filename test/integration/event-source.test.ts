import type { Context } from "aws-lambda";
import pLimit from "p-limit";
import { Places } from "../../lib/local/places.ts";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { EventSource } from "../../lib/local/event-source.ts";
import { eventually } from "../support/eventually.ts";
import {
  allDone,
  bodiesOf,
  door,
  functionThat,
  receivesOf,
  sourceOf,
  startQueueServer,
} from "../support/event-source.ts";
import type { QueueServer, TestQueue } from "../support/event-source.ts";

let server: QueueServer;
beforeAll(async () => {
  server = await startQueueServer();
});
afterAll(() => server.stop());

const sources: EventSource[] = [];
afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.stop()));
});

const poll = (...[queue, handler, more]: Tail<Parameters<typeof sourceOf>>): EventSource => {
  const source = sourceOf(server.client, queue, handler, more);
  sources.push(source);
  return source;
};
type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

const numbered = (count: number, prefix = "m"): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const untilEmpty = (queue: TestQueue) =>
  eventually("the queue is empty", async () => {
    const { visible, hidden } = await queue.counts();
    return visible + hidden === 0 || undefined;
  });

/** A server may hand a message to a call that was just given up: then it comes back a little later. */
const untilReceived = (queue: TestQueue) =>
  eventually("a message for whoever asks", async () => {
    const bodies = await queue.receive();
    return bodies.length > 0 ? bodies : undefined;
  });

describe("an invocation", () => {
  it("is given a message as Lambda gives it, and the time that it has", async () => {
    const queue = await server.queue();
    await queue.send('{"id":"job_1"}');
    const contexts: Context[] = [];
    const { handler, batches } = functionThat(() => allDone);
    poll(
      queue,
      (event, context) => {
        contexts.push(context);
        return handler(event, context);
      },
      { timeoutMs: 7_000 },
    );
    const [record] = (await eventually("an invocation", () => batches[0])) ?? [];
    expect(record).toMatchObject({
      body: '{"id":"job_1"}',
      attributes: { ApproximateReceiveCount: "1" },
      eventSource: "aws:sqs",
      eventSourceARN: queue.arn,
    });
    expect(record?.messageId).toMatch(/./);
    expect(Date.now() - Number(record?.attributes.SentTimestamp)).toBeLessThan(60_000);
    const remainingMs = contexts[0]?.getRemainingTimeInMillis() ?? 0;
    expect(remainingMs).toBeLessThanOrEqual(7_000);
    expect(remainingMs).toBeGreaterThan(0);
    await untilEmpty(queue);
  });

  it("has as many messages as the batch size, at most, and each message has one", async () => {
    const queue = await server.queue();
    await queue.send(...numbered(10));
    const { handler, batches } = functionThat(() => allDone);
    poll(queue, handler, { batchSize: 4 });
    await untilEmpty(queue);
    expect(batches.map(({ length }) => length)).toEqual([4, 4, 2]);
    expect(batches.flatMap(bodiesOf).toSorted()).toEqual(numbered(10));
  });

  it("waits for more until its window closes", async () => {
    const queue = await server.queue();
    const { handler, batches } = functionThat(() => allDone);
    poll(queue, handler, { batchSize: 10, windowMs: 1_000 });
    await queue.send("first");
    await eventually("it is received", async () => (await queue.counts()).hidden || undefined);
    expect(batches).toEqual([]);
    await queue.send("second");
    const batch = await eventually("an invocation", () => batches[0]);
    expect(bodiesOf(batch)).toEqual(["first", "second"]);
  });

  it("waits no longer once its batch is full, which may be more than one call brings", async () => {
    const queue = await server.queue();
    const { handler, batches } = functionThat(() => allDone);
    await queue.send(...numbered(24));
    poll(queue, handler, { batchSize: 25, windowMs: 300_000 });
    await eventually(
      "they are received",
      async () => (await queue.counts()).hidden === 24 || undefined,
    );
    expect(batches).toEqual([]);
    await queue.send("m24");
    await untilEmpty(queue);
    expect(batches.map(({ length }) => length)).toEqual([25]);
  });

  it("comes at once also after seconds without a message, in one and the same call", async () => {
    const queue = await server.queue();
    let receives = 0;
    server.client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          const { QueueUrl: url } = args.input as { QueueUrl?: string };
          if (commandName === "ReceiveMessageCommand" && url === queue.url) receives += 1;
          return next(args);
        },
      { step: "initialize" },
    );
    // Longer than any other call may take.
    await queue.sendLater("late", 4);
    const { handler, batches } = functionThat(() => {
      expect(receives).toBe(1);
      return allDone;
    });
    poll(queue, handler);
    expect(receivesOf((await eventually("an invocation", () => batches[0]))[0]!)).toBe(1);
    await untilEmpty(queue);
  });
});

describe("the invocations under way", () => {
  it("are bounded over all queues together, which take turns", async () => {
    const [first, second] = [await server.queue(), await server.queue()];
    await first.send(...numbered(12, "first"));
    await second.send(...numbered(12, "second"));
    const gate = door();
    const places = new Places(pLimit(3));
    let [open, most] = [0, 0];
    const { handler, batches } = functionThat(async () => {
      open += 1;
      most = Math.max(most, open);
      await gate.opened;
      open -= 1;
      return allDone;
    });
    poll(first, handler, { places });
    poll(second, handler, { places });
    await eventually("three are under way", () => open === 3 || undefined);
    gate.open();
    await Promise.all([untilEmpty(first), untilEmpty(second)]);
    expect(most).toBe(3);
    const order = batches.flatMap(bodiesOf);
    expect(order).toHaveLength(24);
    // Neither queue is served only when the other one is done.
    expect(order.slice(0, 12).join()).toMatch(/first.*second|second.*first/);
  });

  it("let a backlog wait in its queue, where waiting costs no message a receive", async () => {
    const dead = await server.queue();
    const queue = await server.queue({
      visibilitySeconds: 2,
      redrive: { to: dead, maxReceives: 2 },
    });
    await queue.send(...numbered(20));
    const { handler, batches } = functionThat(async () => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      return allDone;
    });
    poll(queue, handler, { places: new Places(pLimit(1)), visibilityMs: 2_000 });
    await untilEmpty(queue);
    expect(batches).toHaveLength(20);
    expect(batches.flat().map(receivesOf)).toEqual(batches.flat().map(() => 1));
    expect(await dead.counts()).toEqual({ visible: 0, hidden: 0 });
  });

  it("hold back further messages, for others to take", async () => {
    const [queue, other] = [await server.queue(), await server.queue()];
    await queue.send(...numbered(15));
    const gate = door();
    const { handler, batches } = functionThat(async () => {
      await gate.opened;
      return allDone;
    });
    poll(queue, handler, { places: new Places(pLimit(1)) });
    await eventually("one is under way", () => batches[0]);
    // So much happens meanwhile that more would have been received.
    const witness = functionThat(() => allDone);
    poll(other, witness.handler);
    for (const body of numbered(5)) await other.send(body);
    await untilEmpty(other);
    expect(await queue.counts()).toEqual({ visible: 14, hidden: 1 });
    gate.open();
    await untilEmpty(queue);
    expect(batches).toHaveLength(15);
  });

  it("keep what waited too long for its turn from being worked on twice", async () => {
    const queue = await server.queue({ visibilitySeconds: 2 });
    await queue.send("slow", "slow", "slow", "slow", "late");
    const gate = door();
    const slow = async () => {
      await gate.opened;
      return allDone;
    };
    const { handler, batches } = functionThat(slow, slow, slow, slow, () => allDone);
    const visibilityMs = 300;
    poll(queue, handler, { places: new Places(pLimit(4)), visibilityMs });
    await eventually("four are under way", () => batches[3]);
    const sinceMs = performance.now();
    await eventually(
      "the other one waited too long",
      () => performance.now() - sinceMs > visibilityMs || undefined,
    );
    gate.open();
    const again = await eventually("it came back", () => batches[4]);
    expect(bodiesOf(again)).toEqual(["late"]);
    expect(receivesOf(again[0]!)).toBe(2);
    await untilEmpty(queue);
  });
});

describe("a stop", () => {
  it("waits for the invocations under way, and settles them", async () => {
    const queue = await server.queue({ visibilitySeconds: 1 });
    await queue.send("under way");
    const gate = door();
    const { handler, batches } = functionThat(async () => {
      await gate.opened;
      return allDone;
    });
    const source = poll(queue, handler);
    await eventually("it is under way", () => batches[0]);
    let isStopped = false;
    const stopped = source.stop().then(() => (isStopped = true));
    await queue.send("too late");
    expect(isStopped).toBe(false);
    gate.open();
    await stopped;
    expect(batches).toHaveLength(1);
    expect(await untilReceived(queue)).toEqual(["too late"]);
    expect(batches).toHaveLength(1);
  });

  it("does not begin with what still waits for its turn", async () => {
    const queue = await server.queue();
    await queue.send(...numbered(5));
    const gate = door();
    const { handler, batches } = functionThat(async () => {
      await gate.opened;
      return allDone;
    });
    const source = poll(queue, handler, { places: new Places(pLimit(4)) });
    await eventually("four are under way", () => batches[3]);
    const stopped = source.stop();
    gate.open();
    await stopped;
    expect(batches).toHaveLength(4);
    expect((await queue.counts()).hidden).toBe(1);
  });

  it("ends a call that waits for messages, and leaves what comes then to others", async () => {
    const queue = await server.queue({ visibilitySeconds: 1 });
    const { handler, batches } = functionThat(() => allDone);
    const source = poll(queue, handler);
    await queue.send("first");
    await untilEmpty(queue);
    await source.stop();
    await queue.send("second");
    expect(await untilReceived(queue)).toEqual(["second"]);
    expect(batches.flatMap(bodiesOf)).toEqual(["first"]);
  });
});
