import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it reached the receiver. */
export interface ReceivedRequest {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export type Answer = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

/** A destination under test control, which logs what it was sent. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** What was received for one job, by its `webhook-id`. */
  of(jobId: string): readonly ReceivedRequest[];
  answer(answer: Answer): void;
  /** Answers the n-th request of a job with the n-th status, and further ones with the last. */
  answerStatuses(...statuses: readonly number[]): void;
  stop(): Promise<void>;
}

export const startReceiver = async (port = 0): Promise<Receiver> => {
  const requests: ReceivedRequest[] = [];
  let answer: Answer = (_, response) => void response.writeHead(200).end("ok");

  const server = createServer((request: IncomingMessage, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const received: ReceivedRequest = {
        atMs: Date.now(),
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks),
      };
      requests.push(received);
      await answer(received, response);
    })();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const of = (jobId: string) => requests.filter(({ headers }) => headers["webhook-id"] === jobId);
  const actualPort = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${actualPort}/hook`,
    port: actualPort,
    requests,
    of,
    answer: (next) => {
      answer = next;
    },
    answerStatuses: (...statuses) => {
      answer = (request, response) => {
        const earlier = of(String(request.headers["webhook-id"])).length - 1;
        const status = statuses[Math.min(earlier, statuses.length - 1)] ?? 200;
        response.writeHead(status).end(`answer ${status}`);
      };
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
