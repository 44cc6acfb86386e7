import { Agent, buildConnector } from "undici";
import type { Dispatcher } from "undici";
import type { HttpAnswer, HttpRequest, Transports } from "../../channels/channel.ts";
import { judgeHost } from "../../core/rules/destination-policy.ts";
import type { AllowList } from "../../core/rules/destination-policy.ts";
import { ForbiddenDestination, safeLookup } from "./safe-lookup.ts";
import { codeOf, textOf } from "./transport-error.ts";

const MAX_BODY_BYTES = 64 * 1_024;
const MAX_HEADER_BYTES = 16 * 1_024;
const NOTHING = new Uint8Array();

/**
 * HTTP requests to destinations: strict about time and size, no redirects, no decompression, and no
 * socket to an address that may not be reached. A connection serves one request.
 */
export const makeHttpTransport = (allow: AllowList): Transports["http"] => {
  const agent = new Agent({
    connect: safeConnector(allow),
    pipelining: 0,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    // One limit over everything is kept here; undici's own are per phase and coarse.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return (request) => send(agent, request);
};

const send = async (agent: Agent, request: HttpRequest): Promise<HttpAnswer> => {
  const timeLimit = new AbortController();
  // A timer may fire a millisecond early, and an attempt must have its whole time.
  const timer = setTimeout(() => timeLimit.abort(TIME_LIMIT), request.timeoutMs + 1);
  const { origin, pathname, search } = new URL(request.url);
  let status: number | null = null;
  const received: Uint8Array[] = [];
  try {
    const response = await agent.request({
      origin,
      path: `${pathname}${search}`,
      method: request.method,
      headers: request.headers.flat(),
      body: request.body,
      signal: timeLimit.signal,
    });
    status = response.statusCode;
    await readBeginning(response.body, received);
    return {
      kind: "answered",
      status,
      header: (name) => [response.headers[name]].flat()[0],
      body: beginningOf(received),
    };
  } catch (error) {
    const isTimeout = timeLimit.signal.aborted;
    return {
      kind: "broken",
      code: isTimeout ? "timeout" : codeOf(error),
      text: isTimeout ? `no complete answer within ${request.timeoutMs} ms` : textOf(error),
      status,
      body: beginningOf(received),
    };
  } finally {
    clearTimeout(timer);
  }
};

const TIME_LIMIT = new Error("time limit");

/** The rest of a long body is not waited for: its connection is closed. */
const readBeginning = async (
  body: Dispatcher.ResponseData["body"],
  received: Uint8Array[],
): Promise<void> => {
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    received.push(chunk);
    bytes += chunk.length;
    if (bytes >= MAX_BODY_BYTES) return;
  }
};

const beginningOf = (received: readonly Uint8Array[]): Uint8Array =>
  received.length === 0 ? NOTHING : Buffer.concat(received).subarray(0, MAX_BODY_BYTES);

/** Literal addresses are never looked up, so they are judged before the socket is opened. */
const safeConnector = (allow: AllowList): buildConnector.connector => {
  const connect = buildConnector({ lookup: safeLookup(allow), timeout: 0, allowH2: false });
  return (options, callback) => {
    if (judgeHost(options.hostname, allow) === "forbidden") {
      callback(new ForbiddenDestination(options.hostname), null);
      return;
    }
    connect(options, callback);
  };
};
