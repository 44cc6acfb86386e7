import { request as overTcp } from "node:http";
import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { request as overTls } from "node:https";
import type { LookupFunction } from "node:net";
import type { HttpRequest, Transports } from "../../channels/channel.ts";
import { judgeHost } from "../../core/rules/destination-policy.ts";
import type { AllowList } from "../../core/rules/destination-policy.ts";
import { keepConnections } from "./kept-connections.ts";
import type { KeptConnections } from "./kept-connections.ts";
import { ForbiddenDestination, safeLookup } from "./safe-lookup.ts";
import type { Resolve } from "./safe-lookup.ts";
import {
  AnswerCutOff,
  codeOf,
  ProtocolsSwitched,
  textOf,
  TimeLimit,
  TooManyInterimAnswers,
} from "./transport-error.ts";

const MAX_BODY_BYTES = 64 * 1_024;
const MAX_HEADER_BYTES = 16 * 1_024;
/** Nobody needs more, and each costs the time of all requests that are under way. */
const MAX_INTERIM_ANSWERS = 100;
/** With its headers, which have 8 KiB at most, it fits into any send buffer at once. */
const MAX_BODY_IN_ONE_WRITE = 4 * 1_024;

/**
 * HTTP requests to destinations: strict about time and size, no redirects, no decompression, and no
 * socket to an address that may not be reached. Connections are kept for the next request to the
 * same origin, also across invocations; the address was checked when the connection was opened.
 *
 * On Node's own client, since undici breaks off at an interim 100 (its issue 197) and, when a
 * request is given up while its TLS handshake goes on, leaves that connection open.
 */
export const makeHttpTransport = (
  allow: AllowList,
  resolve?: Resolve,
  kept: KeptConnections = keepConnections(),
): Transports["http"] => {
  const lookup = safeLookup(allow, resolve);
  return async (request) => {
    const answer: PartialAnswer = {
      head: undefined,
      kept: Buffer.allocUnsafe(MAX_BODY_BYTES),
      bytes: 0,
    };
    const body = () => answer.kept.subarray(0, answer.bytes);
    try {
      const url = new URL(request.url);
      // Literal addresses are never looked up, so they are judged before the socket is opened.
      if (judgeHost(url.hostname, allow) === "forbidden") {
        throw new ForbiddenDestination(url.hostname);
      }
      const startedAtMs = performance.now();
      const leftMs = () => request.timeoutMs - (performance.now() - startedAtMs);
      await kept.dropStale();
      const agent = url.protocol === "https:" ? kept.https : kept.http;
      const first = begin(request, url, lookup, agent);
      const head = await receive(first, request, leftMs(), answer).catch((error: unknown) => {
        if (!hadNotBegun(first, error, request)) throw error;
        return receive(begin(request, url, lookup, false), request, leftMs(), answer);
      });
      const { statusCode = 0, headersDistinct } = head;
      return {
        kind: "answered",
        status: statusCode,
        header: (name) => headersDistinct[name]?.[0],
        body: body(),
      };
    } catch (error) {
      const status = answer.head?.statusCode ?? null;
      return { kind: "broken", code: codeOf(error), text: textOf(error), status, body: body() };
    }
  };
};

/** As much of an answer as has come. */
interface PartialAnswer {
  head: IncomingMessage | undefined;
  /** Copied, since each chunk, be it of one byte, would hold on to all that was read with it. */
  readonly kept: Buffer;
  bytes: number;
}

/**
 * Whether a kept connection turned out to be closed before anything was sent over it. A request this
 * small goes out in one write, which the system then refused as a whole.
 */
const hadNotBegun = (outgoing: ClientRequest, error: unknown, { body }: HttpRequest): boolean =>
  outgoing.reusedSocket &&
  error instanceof Error &&
  "syscall" in error &&
  error.syscall === "write" &&
  (body?.length ?? 0) <= MAX_BODY_IN_ONE_WRITE;

/** Resolves when the answer has come, to its end or as much of it as is kept. */
const receive = (
  outgoing: ClientRequest,
  { timeoutMs }: HttpRequest,
  leftMs: number,
  answer: PartialAnswer,
): Promise<IncomingMessage> => {
  let timer: NodeJS.Timeout | undefined;
  const received = new Promise<IncomingMessage>((resolve, reject) => {
    // A timer may fire a millisecond early, and an attempt must have its whole time.
    timer = setTimeout(() => reject(new TimeLimit(timeoutMs)), leftMs + 1);
    // Bytes beyond the end of an answer take nothing from it: its "end" is on the way.
    outgoing.on("error", (error) => answer.head?.complete || reject(error));
    let interimAnswers = 0;
    outgoing.on("information", () => {
      interimAnswers += 1;
      if (interimAnswers <= MAX_INTERIM_ANSWERS) return;
      reject(new TooManyInterimAnswers(MAX_INTERIM_ANSWERS));
      outgoing.destroy();
    });
    outgoing.once("upgrade", (head, socket) => {
      answer.head = head;
      socket.destroy();
      reject(new ProtocolsSwitched());
    });
    outgoing.once("response", (head) => {
      if (interimAnswers > MAX_INTERIM_ANSWERS) return;
      answer.head = head;
      // With headers that do not say to what, a 101 arrives as if it were an answer.
      if (head.statusCode === 101) return reject(new ProtocolsSwitched());
      head.once("end", () => resolve(head));
      head.on("error", () => reject(new AnswerCutOff()));
      head.on("data", (chunk: Buffer) => {
        answer.bytes += chunk.copy(answer.kept, answer.bytes);
        if (answer.bytes >= MAX_BODY_BYTES) resolve(head);
      });
    });
  });
  return received.finally(() => {
    clearTimeout(timer);
    // Whatever is still to come is not waited for: the connection is closed, also one in the making.
    const isOver = answer.head?.complete === true && outgoing.writableFinished;
    if (!isOver) outgoing.destroy();
  });
};

const begin = (
  { method, headers, body }: HttpRequest,
  url: URL,
  lookup: LookupFunction,
  agent: Agent | false,
): ClientRequest => {
  const overWire = url.protocol === "https:" ? overTls : overTcp;
  const outgoing = overWire({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: pathOf(url),
    method,
    headers: ["host", url.host, ...headers.flat(), ...lengthOf(method, body), ...KEEP],
    agent,
    lookup,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  return outgoing.end(body ?? undefined);
};

/** As the URL standard writes it, which keeps an empty query, and without the fragment. */
const pathOf = ({ href, origin, hash }: URL): string =>
  href.slice(origin.length, href.length - hash.length).replace(/#$/, "");

const KEEP = ["connection", "keep-alive"];

/** Servers refuse a GET or DELETE of length 0, and want one with the others. */
const lengthOf = (method: HttpRequest["method"], body: Uint8Array | null): readonly string[] => {
  const isUnexpected = method === "GET" || method === "DELETE";
  if (isUnexpected && (body === null || body.length === 0)) return [];
  return ["content-length", String(body?.length ?? 0)];
};
