import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Resolves when its connection is gone. */
  readonly closed: Promise<void>;
}

export type Behaviour = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

/** An API as a bad day shows it: the n-th request meets the n-th behaviour, later ones the last. */
export interface MisbehavingApi {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  stop(): Promise<void>;
}

export const startMisbehavingApi = async (
  ...behaviours: readonly Behaviour[]
): Promise<MisbehavingApi> => {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const closed = new Promise<void>((resolve) => response.once("close", resolve));
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const seen: SeenRequest = {
        atMs: performance.now(),
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers as Record<string, string | undefined>,
        body: Buffer.concat(chunks).toString("utf8"),
        closed,
      };
      const behaviour = behaviours[Math.min(requests.push(seen), behaviours.length) - 1];
      await behaviour?.(seen, response);
    })();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

export const answer =
  (status: number, body: string | object, headers: Record<string, string> = {}): Behaviour =>
  (_, response) =>
    void response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(typeof body === "string" ? body : JSON.stringify(body));

/** Takes the request, and says nothing for ever. */
export const saysNothing: Behaviour = () => undefined;

export const hangsUp: Behaviour = (_, response) => void response.destroy();

/** Begins an answer and dies in the middle of it. */
export const breaksOff: Behaviour = (_, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"id":', () => response.destroy());
};

/** Has a real API carry the request out, and passes its answer on. */
export const passesOnTo =
  (baseUrl: string): Behaviour =>
  async (request, response) => {
    const real = await forward(baseUrl, request);
    response.writeHead(real.status, Object.fromEntries(real.headers)).end(await real.text());
  };

/** Has a real API carry the request out, and loses its answer. */
export const losesAnswerOf =
  (baseUrl: string): Behaviour =>
  async (request, response) => {
    await (await forward(baseUrl, request)).text();
    response.destroy();
  };

const forward = (baseUrl: string, { method, path, headers, body }: SeenRequest) => {
  const passed = ["content-type", "idempotency-key"].flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, value] as [string, string]];
  });
  return fetch(`${baseUrl}${path}`, {
    method,
    headers: passed,
    ...(method === "GET" ? {} : { body }),
  });
};
