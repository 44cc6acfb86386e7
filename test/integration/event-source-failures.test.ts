import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { localSqs } from "../../lib/local/clients.ts";
import type { EventSource } from "../../lib/local/event-source.ts";
import { eventually } from "../support/eventually.ts";
import {
  allDone,
  bodiesOf,
  failed,
  functionThat,
  noJournal,
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
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  await Promise.all(sources.splice(0).map((source) => source.stop()));
  for (const end of ends.splice(0)) await end();
});

const untilEmpty = (queue: TestQueue) =>
  eventually("the queue is empty", async () => {
    const { visible, hidden } = await queue.counts();
    return visible + hidden === 0 || undefined;
  });

describe("a message", () => {
  it("of a batch that failed in part is deleted if it was settled, else it comes back", async () => {
    const queue = await server.queue({ visibilitySeconds: 1 });
    await queue.send("a", "b", "c", "d");
    const { handler, batches } = functionThat(
      ([, second, , fourth]) => failed(second!.messageId, fourth!.messageId),
      () => allDone,
    );
    sources.push(sourceOf(server.client, queue, handler, { batchSize: 4 }));
    await untilEmpty(queue);
    const [first = [], ...later] = batches;
    const failures = first.filter((_, index) => index === 1 || index === 3);
    expect(later.flatMap(bodiesOf).toSorted()).toEqual(bodiesOf(failures).toSorted());
    expect(later.flat().map(receivesOf)).toEqual([2, 2]);
  });

  const answers: readonly [string, (ids: readonly string[]) => unknown][] = [
    ["throws", () => Promise.reject(new Error("by accident"))],
    ["throws what is no error", () => Promise.reject(undefined)],
    ["answers nothing", () => undefined],
    ["answers in another form", () => ({ failures: [] })],
    ["answers with no list", () => ({ batchItemFailures: null })],
    ["answers with another list", () => ({ batchItemFailures: [null] })],
    ["names a failure by another key", ([id]) => ({ batchItemFailures: [{ messageId: id }] })],
    ["names no message at all", () => failed("")],
    ["names a message of nobody", () => failed("no-such-message")],
    ["names one of its own and one of nobody", ([id = ""]) => failed(id, "no-such-message")],
  ];
  it.concurrent.each(answers)("comes back where its function %s", async (_, answer) => {
    const queue = await server.queue({ visibilitySeconds: 1 });
    await queue.send("a", "b");
    const { handler, batches } = functionThat(
      (records) => answer(records.map(({ messageId }) => messageId)),
      () => allDone,
    );
    const source = sourceOf(server.client, queue, handler, { batchSize: 2 });
    try {
      await untilEmpty(queue);
    } finally {
      await source.stop();
    }
    const [first = [], ...later] = batches;
    expect(bodiesOf(first).toSorted()).toEqual(["a", "b"]);
    expect(later.flatMap(bodiesOf).toSorted()).toEqual(["a", "b"]);
    expect(later.flat().map(receivesOf)).toEqual([2, 2]);
  });

  it("goes to the dead-letter queue when it has failed as often as the queue allows", async () => {
    const deadLetters = await server.queue();
    const queue = await server.queue({
      visibilitySeconds: 1,
      redrive: { to: deadLetters, maxReceives: 2 },
    });
    await queue.send("poison");
    const { handler, batches } = functionThat(() => Promise.reject(new Error("again")));
    sources.push(sourceOf(server.client, queue, handler));
    const buried = await eventually("it is buried", async () => {
      const bodies = await deadLetters.receive();
      return bodies.length > 0 ? bodies : undefined;
    });
    expect(buried).toEqual(["poison"]);
    expect(batches.flat().map(receivesOf)).toEqual([1, 2]);
    await untilEmpty(queue);
  });
});

describe("the journal", () => {
  it("hears of an invocation before it begins, and when it is over, however it ended", async () => {
    const queue = await server.queue({ visibilitySeconds: 1 });
    await queue.send("a");
    const heard: string[] = [];
    const journal = {
      ...noJournal,
      began: (messages: readonly { body: string }[]) =>
        void heard.push(`began ${messages[0]?.body}`),
      ended: (messages: readonly { body: string }[]) =>
        void heard.push(`ended ${messages[0]?.body}`),
    };
    const { handler } = functionThat(
      () => {
        heard.push("fails");
        throw new Error("by accident");
      },
      () => {
        heard.push("works");
        return allDone;
      },
    );
    sources.push(sourceOf(server.client, queue, handler, { journal }));
    await untilEmpty(queue);
    await eventually("the second end", () => heard.length >= 6 || undefined);
    expect(heard).toEqual(["began a", "fails", "ended a", "began a", "works", "ended a"]);
  });

  it("that cannot be written keeps a message from being worked on, until it can", async () => {
    const queue = await server.queue({ visibilitySeconds: 1 });
    await queue.send("a");
    let refusals = 0;
    const journal = {
      ...noJournal,
      began: () => {
        refusals += 1;
        if (refusals === 1) throw new Error("ENOSPC: no space left on device, write");
      },
    };
    const { handler, batches } = functionThat(() => allDone);
    sources.push(sourceOf(server.client, queue, handler, { journal }));
    await untilEmpty(queue);
    expect(batches.flat().map(receivesOf)).toEqual([2]);
  });
});

describe("an outage of the queue server", () => {
  it("is survived: what is sent meanwhile is worked on after it", async () => {
    // The server may hand it to a call that was cut off: then it comes back when this has passed.
    const queue = await server.queue({ visibilitySeconds: 1 });
    const line = await lineTo(server.endpoint);
    const { handler, batches } = functionThat(() => allDone);
    sources.push(sourceOf(line.client, queue, handler));
    await queue.send("before");
    await eventually("an invocation", () => batches[0]);
    await untilEmpty(queue);

    await line.cut();
    await eventually("the source has noticed", () => line.refused() > 0 || undefined);
    await queue.send("meanwhile");
    await line.mend();
    await eventually("another invocation", () => batches[1]);
    await untilEmpty(queue);
    expect(batches.flatMap(bodiesOf)).toEqual(["before", "meanwhile"]);
  });

  it("between work and deletion brings the message back", async () => {
    const queue = await server.queue({ visibilitySeconds: 1 });
    const line = await lineTo(server.endpoint);
    const { handler, batches } = functionThat(
      async () => {
        await line.cut();
        return allDone;
      },
      () => allDone,
    );
    let isOver = false;
    const journal = { ...noJournal, ended: () => void (isOver = true) };
    sources.push(sourceOf(line.client, queue, handler, { journal }));
    await queue.send("twice");
    await eventually("the deletion has failed", () => isOver || undefined);
    await line.mend();
    await untilEmpty(queue);
    expect(batches.flat().map(receivesOf)).toEqual([1, 2]);
  });

  it("in the middle of a window loses nothing of what has come", async () => {
    const queue = await server.queue();
    const line = await lineTo(server.endpoint);
    const { handler, batches } = functionThat(() => allDone);
    sources.push(sourceOf(line.client, queue, handler, { batchSize: 10, windowMs: 20_000 }));
    await queue.send("early");
    await eventually("it is received", async () => (await queue.counts()).hidden || undefined);
    // Its answer has arrived, too, once more is asked for.
    await eventually("more is asked for", () => line.calls() > 1 || undefined);
    await line.cut();
    const batch = await eventually("an invocation", () => batches[0]);
    expect(batch.map(receivesOf)).toEqual([1]);
  });
});

/** A line to the queue server that can be cut, as when that is killed, and mended. */
const lineTo = async (endpoint: string) => {
  const target = Number(new URL(endpoint).port);
  const sockets = new Set<Socket>();
  let refused = 0;
  const listen = async (port: number, onConnection: (socket: Socket) => void): Promise<Server> => {
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => undefined));
      onConnection(socket);
    }).listen(port, "127.0.0.1");
    await once(server, "listening");
    return server;
  };
  const passOn = (socket: Socket) => {
    const onward = connect(target, "127.0.0.1");
    sockets.add(onward.on("error", () => undefined));
    socket.pipe(onward).pipe(socket);
  };
  const refuse = (socket: Socket) => {
    refused += 1;
    socket.resetAndDestroy();
  };
  const close = async (): Promise<void> => {
    const closed = once(current, "close");
    current.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  };
  let current = await listen(0, passOn);
  const { port } = current.address() as AddressInfo;
  const client = localSqs(`http://127.0.0.1:${port}`);
  let calls = 0;
  client.middlewareStack.add(
    (next) => (args) => {
      calls += 1;
      return next(args);
    },
    { step: "initialize", name: "countCalls" },
  );
  ends.push(close, () => client.destroy());
  return {
    client,
    calls: () => calls,
    refused: () => refused,
    cut: async () => {
      await close();
      current = await listen(port, refuse);
    },
    mend: async () => {
      await close();
      current = await listen(port, passOn);
    },
  };
};
