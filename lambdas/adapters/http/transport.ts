import { request as overTcp } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as overTls } from "node:https";
import type { LookupFunction } from "node:net";
import type { HttpRequest, Transports } from "../../channels/channel.ts";
import { judgeHost } from "../../core/rules/destination-policy.ts";
import type { AllowList } from "../../core/rules/destination-policy.ts";
import { ForbiddenDestination, safeLookup } from "./safe-lookup.ts";
import type { Resolve } from "./safe-lookup.ts";
import { AnswerCutOff, codeOf, ProtocolsSwitched, textOf, TimeLimit } from "./transport-error.ts";

const MAX_BODY_BYTES = 64 * 1_024;
const MAX_HEADER_BYTES = 16 * 1_024;

/**
 * HTTP requests to destinations: strict about time and size, no redirects, no decompression, and no
 * socket to an address that may not be reached. A connection serves one request.
 *
 * On Node's own client, since undici breaks off at an interim 100 (its issue 197) and, when a
 * request is given up while its TLS handshake goes on, leaves that connection open.
 */
export const makeHttpTransport = (allow: AllowList, resolve?: Resolve): Transports["http"] => {
  const lookup = safeLookup(allow, resolve);
  return async (request) => {
    const answer: PartialAnswer = { head: undefined, chunks: [], bytes: 0 };
    const body = () => Buffer.concat(answer.chunks).subarray(0, MAX_BODY_BYTES);
    try {
      const url = new URL(request.url);
      // Literal addresses are never looked up, so they are judged before the socket is opened.
      if (judgeHost(url.hostname, allow) === "forbidden") {
        throw new ForbiddenDestination(url.hostname);
      }
      const { statusCode = 0, headersDistinct } = await receive(request, url, lookup, answer);
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
  readonly chunks: Buffer[];
  bytes: number;
}

/** Resolves when the answer has come, to its end or as much of it as is kept. */
const receive = (
  request: HttpRequest,
  url: URL,
  lookup: LookupFunction,
  answer: PartialAnswer,
): Promise<IncomingMessage> => {
  const outgoing = begin(request, url, lookup);
  let timer: NodeJS.Timeout | undefined;
  const received = new Promise<IncomingMessage>((resolve, reject) => {
    // A timer may fire a millisecond early, and an attempt must have its whole time.
    timer = setTimeout(() => reject(new TimeLimit(request.timeoutMs)), request.timeoutMs + 1);
    // Bytes beyond the end of an answer take nothing from it: its "end" is on the way.
    outgoing.on("error", (error) => answer.head?.complete || reject(error));
    outgoing.once("upgrade", (head, socket) => {
      answer.head = head;
      socket.destroy();
      reject(new ProtocolsSwitched());
    });
    outgoing.once("response", (head) => {
      answer.head = head;
      // With headers that do not say to what, a 101 arrives as if it were an answer.
      if (head.statusCode === 101) return reject(new ProtocolsSwitched());
      head.once("end", () => resolve(head));
      head.on("error", () => reject(new AnswerCutOff()));
      head.on("data", (chunk: Buffer) => {
        answer.chunks.push(chunk);
        answer.bytes += chunk.length;
        if (answer.bytes >= MAX_BODY_BYTES) resolve(head);
      });
    });
  });
  // Whatever is still to come is not waited for: the connection is closed, also one in the making.
  return received.finally(() => {
    clearTimeout(timer);
    outgoing.destroy();
  });
};

const begin = (
  { method, headers, body }: HttpRequest,
  url: URL,
  lookup: LookupFunction,
): ClientRequest => {
  const overWire = url.protocol === "https:" ? overTls : overTcp;
  const outgoing = overWire({
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    path: pathOf(url),
    method,
    headers: ["host", url.host, ...headers.flat(), ...lengthOf(method, body), ...CLOSE],
    agent: false,
    lookup,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  return outgoing.end(body ?? undefined);
};

/** As the URL standard writes it, which keeps an empty query, and without the fragment. */
const pathOf = ({ href, origin, hash }: URL): string =>
  href.slice(origin.length, href.length - hash.length).replace(/#$/, "");

const CLOSE = ["connection", "close"];

/** Servers refuse a GET or DELETE of length 0, and want one with the others. */
const lengthOf = (method: HttpRequest["method"], body: Uint8Array | null): readonly string[] => {
  const isUnexpected = method === "GET" || method === "DELETE";
  if (isUnexpected && (body === null || body.length === 0)) return [];
  return ["content-length", String(body?.length ?? 0)];
};
