import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { HttpFunction } from "../../lambdas/middleware/http.ts";
import { gatewayEvent } from "./gateway-event.ts";
import { lambdaContext } from "./lambda-context.ts";
import { matchRoute } from "./match-route.ts";

/**
 * API Gateway's HTTP API on a laptop: turns requests into events of payload format 2.0, with the
 * gateway's habits and limits, and answers as the functions say.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
 */

const MAX_BODY_BYTES = 10 * 1_024 * 1_024;
const MAX_HEADER_BYTES = 10 * 1_024;
const INTEGRATION_TIMEOUT_MS = 30_000;
/** How long a request that has not come whole may go on coming while the gateway stops. */
const ARRIVAL_GRACE_MS = 1_000;

export interface HttpGateway {
  readonly url: string;
  /** Takes no more requests, and resolves when those under way are answered. */
  stop(): Promise<void>;
}

export interface HttpGatewayOptions {
  readonly host: string;
  readonly port: number;
  /** By route key; `$default` takes what no other matches. */
  readonly routes: Readonly<Record<string, HttpFunction>>;
  /** How long a function is waited for. @default 30,000, the gateway's own limit */
  readonly timeoutMs?: number;
}

export const startHttpGateway = async (options: HttpGatewayOptions): Promise<HttpGateway> => {
  let isStopping = false;
  const sockets = new Set<Socket>();
  const underWay = new Map<ServerResponse, Promise<void>>();

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    // For a connection that was told to be kept alive just before the stop.
    response.once("close", () => isStopping && server.closeIdleConnections());
    const answered = answer(options, request, response).finally(() => underWay.delete(response));
    underWay.set(response, answered);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return;
    const [status, message] =
      error.code === "HPE_HEADER_OVERFLOW"
        ? ["431 Request Header Fields Too Large", "Request Header Fields Too Large"]
        : ["400 Bad Request", "Bad Request"];
    const body = JSON.stringify({ message });
    socket.end(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
  await listen(server, options.host, options.port);

  const stop = async (): Promise<void> => {
    isStopping = true;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const response of underWay.keys()) {
      if (!response.headersSent) response.setHeader("connection", "close");
    }
    // Node counts a connection that has asked for nothing yet as busy, and waits a minute for it.
    const busy = new Set([...underWay.keys()].map(({ req }) => req.socket));
    for (const socket of sockets) if (!busy.has(socket)) socket.destroy();
    const grace = setTimeout(() => {
      for (const { req } of underWay.keys()) if (!req.complete) req.socket.destroy();
    }, ARRIVAL_GRACE_MS);
    // A function outlives the client that has hung up on it.
    await Promise.all([closed, ...underWay.values()]);
    clearTimeout(grace);
  };

  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, stop };
};

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "the port is in use" : error.message;
      reject(new Error(`cannot listen on ${host}:${port}: ${why} (set PORT or HOST)`));
    });
    server.listen(port, host, resolve);
  });

const answer = async (
  { routes, timeoutMs = INTEGRATION_TIMEOUT_MS }: HttpGatewayOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  try {
    const body = await readBody(request);
    if (body === undefined) return refuse(response, 413, "Request Entity Too Large");
    const requestId = randomUUID();
    const { event, path } = gatewayEvent(request, body, requestId);
    const { routeKey, pathParameters } = matchRoute(
      Object.keys(routes),
      event.requestContext.http.method,
      path,
    );
    const handler = routes[routeKey];
    if (!handler) return refuse(response, 404, "Not Found");
    const result = await withinLimit(
      handler(
        {
          ...event,
          routeKey,
          ...(Object.keys(pathParameters).length > 0 ? { pathParameters } : {}),
          requestContext: { ...event.requestContext, routeKey },
        },
        lambdaContext(routeKey, timeoutMs),
      ),
      timeoutMs,
    );
    if (!result) return refuse(response, 503, "Service Unavailable");
    send(response, result.statusCode ?? 200, headersOf(result), bodyOf(result));
  } catch {
    // As the gateway does when a function fails; the function's own log says why.
    if (!response.headersSent) refuse(response, 500, "Internal Server Error");
  }
};

/** `undefined` if it is longer than the gateway takes. */
const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
};

const withinLimit = async <T>(work: Promise<T>, limitMs: number): Promise<T | undefined> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
};

const headersOf = (
  result: APIGatewayProxyStructuredResultV2,
): Record<string, string | string[]> => ({
  ...Object.fromEntries(
    Object.entries(result.headers ?? {}).map(([name, value]) => [name, String(value)]),
  ),
  ...(result.cookies ? { "set-cookie": result.cookies } : {}),
});

const bodyOf = ({
  body = "",
  isBase64Encoded = false,
}: APIGatewayProxyStructuredResultV2): Buffer =>
  Buffer.from(body, isBase64Encoded ? "base64" : "utf8");

const refuse = (response: ServerResponse, status: number, message: string): void =>
  send(
    response,
    status,
    { "content-type": "application/json" },
    Buffer.from(JSON.stringify({ message })),
  );

const send = (
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | string[]>>,
  body: Buffer,
): void => {
  response.writeHead(status, { ...headers, "content-length": body.length });
  response.end(body);
};
