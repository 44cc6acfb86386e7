import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as it reached a queue. */
export interface SentMessage {
  readonly queue: string;
  readonly body: string;
  readonly delaySeconds: number;
  readonly atMs: number;
}

/** As much of SQS as a sender sees, under test control: it writes down what it is sent. */
export interface RecordingSqs {
  readonly endpoint: string;
  readonly sent: readonly SentMessage[];
  /** Called with a message that is on record, before its sender gets an answer. */
  beforeAnswer(hook: (message: SentMessage) => Promise<void>): void;
  /** From now on there is no such queue, or there is again. */
  lose(queue: string): void;
  find(queue: string): void;
  stop(): Promise<void>;
}

/** @param now the time to put on record */
export const startRecordingSqs = async (now: () => number = Date.now): Promise<RecordingSqs> => {
  const sent: SentMessage[] = [];
  const lost = new Set<string>();
  let hook: (message: SentMessage) => Promise<void> = () => Promise.resolve();

  const answerTo = async (
    action: string,
    input: Record<string, string | number | undefined>,
  ): Promise<object | undefined> => {
    const queue =
      String(input["QueueName"] ?? input["QueueUrl"])
        .split("/")
        .at(-1) ?? "";
    if (lost.has(queue)) return undefined;
    if (action === "GetQueueUrl") return { QueueUrl: `${endpoint}/000000000000/${queue}` };
    const body = String(input["MessageBody"]);
    const message = {
      queue,
      body,
      delaySeconds: Number(input["DelaySeconds"] ?? 0),
      atMs: now(),
    };
    sent.push(message);
    await hook(message);
    return { MessageId: "m", MD5OfMessageBody: createHash("md5").update(body).digest("hex") };
  };

  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const action = String(request.headers["x-amz-target"]).replace("AmazonSQS.", "");
      const answer = await answerTo(action, JSON.parse(Buffer.concat(chunks).toString()));
      response.writeHead(answer ? 200 : 400, { "content-type": "application/x-amz-json-1.0" });
      response.end(
        JSON.stringify(answer ?? { __type: "com.amazonaws.sqs#QueueDoesNotExist", message: "" }),
      );
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    sent,
    beforeAnswer: (next) => {
      hook = next;
    },
    lose: (queue) => void lost.add(queue),
    find: (queue) => void lost.delete(queue),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
