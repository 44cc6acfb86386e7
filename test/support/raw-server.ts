import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TlsOptions } from "node:tls";

/** A connection as the server saw it. */
export interface RawConnection {
  readonly socket: Socket;
  /** Every byte that has come, one character each. */
  readonly received: () => string;
  /** Resolves when both sides are done with it. */
  readonly closed: Promise<void>;
}

/** A destination that speaks in bytes, so that it can also say what no HTTP server would. */
export interface RawServer {
  readonly url: string;
  readonly port: number;
  readonly connections: readonly RawConnection[];
  stop(): Promise<void>;
}

export interface RawServerOptions {
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** Speaks TLS with this key and certificate. */
  readonly tls?: TlsOptions;
}

/**
 * @param answer called with the socket once a request has come whole, head and body; and not at all
 * where it is left out: that server takes everything and says nothing
 */
export const startRawServer = async (
  answer: (socket: Socket, request: string) => void = () => undefined,
  { host = "127.0.0.1", tls }: RawServerOptions = {},
): Promise<RawServer> => {
  const connections: RawConnection[] = [];
  const sockets = new Set<Socket>();
  const onConnection = (socket: Socket) => {
    let received = "";
    let isAnswered = false;
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (isAnswered || !isWhole(received)) return;
      isAnswered = true;
      answer(socket, received);
    });
    // A client that goes away in the middle is what some tests are about.
    socket.on("error", () => undefined);
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    connections.push({ socket, received: () => received, closed });
  };
  const server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection);
  // Of a TLS server, also those that never get as far as a connection.
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `${tls ? "https" : "http"}://${shown}:${port}`,
    port,
    connections,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};

/** Says more for as long as somebody listens. */
export const pour = (socket: Socket, more: string | Buffer): void => {
  const write = () => {
    while (!socket.destroyed && socket.write(more));
  };
  socket.on("drain", write);
  write();
};

/** Says the same every 100 ms, for as long as somebody listens. */
export const drip = (socket: Socket, drop: string): void => {
  const timer = setInterval(() => socket.write(drop), 100);
  socket.once("close", () => clearInterval(timer));
};

const isWhole = (received: string): boolean => {
  const [head, body] = split(received);
  if (body === undefined) return false;
  return body.length >= Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
};

const split = (message: string): [head: string, body: string | undefined] => {
  const at = message.indexOf("\r\n\r\n");
  return at < 0 ? [message, undefined] : [message.slice(0, at), message.slice(at + 4)];
};

/** A request in its parts, with the names of its headers as they were written. */
export const parseRequest = (received: string) => {
  const [head, body = ""] = split(received);
  const [requestLine = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => {
    const [name = "", value = ""] = line.split(/: (.*)/s);
    return [name, value] as const;
  });
  return {
    requestLine,
    headers,
    body,
    /** Every value that was sent under a name. */
    values: (name: string): readonly string[] =>
      headers.filter(([sent]) => sent.toLowerCase() === name).map(([, value]) => value),
  };
};
