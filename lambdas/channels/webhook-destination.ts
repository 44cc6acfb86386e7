import * as z from "zod";
import { judgeHost } from "../core/rules/destination-policy.ts";
import type { AllowList } from "../core/rules/destination-policy.ts";
import { codePointLength } from "../core/rules/text.ts";
import type { DestinationRequest } from "./channel.ts";
import { stringPairs } from "./string-pairs.ts";
import { wholeNumber } from "./whole-number.ts";

const MAX_URL_LENGTH = 2_048;
const MAX_HEADERS = 50;
const MAX_HEADER_BYTES = 8_192;

/** What the wire needs for itself, or what a receiver must be able to trust as ours. */
const REFUSED_HEADERS = new Set([
  "host",
  "content-length",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
]);
const REFUSED_HEADER_PREFIXES = ["proxy-", "webhook-", "x-pulsegate-"];

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VISIBLE_ASCII = /^[\t\x20-\x7e]*$/;

const urlText = z.string().meta({
  description:
    "Called as the URL standard reads it, without its fragment. A host, no credentials, a port from 1 to 65535. An address that is private, loopback or otherwise reserved is refused.",
  maxLength: MAX_URL_LENGTH,
  // As much of faultOfUrl as a pattern can say: no blanks, control characters or backslashes.
  pattern:
    "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\\\\\s\\u0000-\\u001f\\u007f-\\u009f]+([/?#][^\\\\\\s\\u0000-\\u001f\\u007f-\\u009f]*)?$",
});

const timeoutMs = wholeNumber(100, 30_000).meta({
  description:
    "For the whole attempt, in milliseconds: from the look-up of the name to the last byte.",
});

/** What a webhook's sender says of where it goes; literal addresses are judged here already. */
export const webhookDestination = (allow: AllowList): z.ZodType<DestinationRequest> =>
  z
    .strictObject({
      url: urlText.superRefine((url, context) => {
        const fault = faultOfUrl(url, allow);
        if (fault) context.addIssue({ code: "custom", message: fault });
      }),
      method: z
        .enum(["POST", "PUT", "PATCH", "GET", "DELETE"])
        .meta({ description: "`GET` goes with no payload." })
        .default("POST"),
      headers: headers.prefault({}),
      timeout_ms: timeoutMs.default(10_000),
    })
    .transform(({ url, method, headers: given, timeout_ms: timeoutMs }) => ({
      destination: { url, method, timeoutMs },
      headers: given,
    }));

const headerPairs = stringPairs((pairs, complain) => {
  const names = new Set<string>();
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (!TOKEN.test(name)) complain("is not a header name", name);
    else if (
      REFUSED_HEADERS.has(lower) ||
      REFUSED_HEADER_PREFIXES.some((p) => lower.startsWith(p))
    ) {
      complain("is set by PulseGate and cannot be given", name);
    } else if (names.has(lower)) complain("stands twice, but for upper and lower case", name);
    names.add(lower);
    if (!VISIBLE_ASCII.test(value)) complain("may hold visible ASCII, blanks and tabs only", name);
  }
  if (pairs.length > MAX_HEADERS) {
    complain(`must be at most ${MAX_HEADERS} headers`);
  }
  const bytes = pairs.reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  if (bytes > MAX_HEADER_BYTES) {
    complain(`must be at most ${MAX_HEADER_BYTES} bytes together`);
  }
});

const headers = headerPairs.meta({
  description: `Sent with every attempt; at most ${MAX_HEADER_BYTES} bytes of names and values together. Names are unique without regard to case.`,
  type: "object",
  maxProperties: MAX_HEADERS,
  propertyNames: { pattern: TOKEN.source, not: { pattern: refusedHeaderPattern() } },
  additionalProperties: { type: "string", pattern: VISIBLE_ASCII.source },
});

/** The names that are refused, in any case: JSON Schema's patterns know no flag for that. */
function refusedHeaderPattern(): string {
  const inAnyCase = (name: string) =>
    name.replaceAll(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
  const names = [...REFUSED_HEADERS].map((name) => `${inAnyCase(name)}$`);
  return `^(${[...names, ...REFUSED_HEADER_PREFIXES.map(inAnyCase)].join("|")})`;
}

/**
 * What is wrong with a URL, or nothing. `URL` repairs much that its writer did not mean, so the text
 * itself is looked at before it is parsed.
 */
const faultOfUrl = (url: string, allow: AllowList): string | undefined => {
  if (codePointLength(url) > MAX_URL_LENGTH) return `must be at most ${MAX_URL_LENGTH} characters`;
  if (/[\s\p{Cc}]/u.test(url)) return "must not hold blanks or control characters";
  if (url.includes("\\")) return "must not hold a backslash";
  const authority = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (authority === undefined) return "must begin with http:// or https://";
  if (authority === "") return "must name a host";
  if (authority.includes("@")) return "must not hold credentials";
  const port = /:(\d+)$/.exec(authority)?.[1];
  if (port !== undefined && !isPort(Number(port))) return "must have a port from 1 to 65535";
  if (!URL.canParse(url)) return "is not a URL";
  const { hostname } = new URL(url);
  if (judgeHost(hostname, allow) === "forbidden") {
    return "leads to a private, loopback or otherwise reserved address, which is forbidden";
  }
  return undefined;
};

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

/**
 * Scheme, host, port and path as the URL standard writes them, without the query. Characters that
 * need no escape have none (RFC 3986, section 6.2.2.2), and the escapes that stay are in upper case.
 */
export const addressOfUrl = (url: string): string => {
  const { origin, pathname } = new URL(url);
  const path = pathname.replaceAll(/%([0-9a-f]{2})/gi, (escape: string, hex: string) => {
    const character = String.fromCodePoint(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : escape.toUpperCase();
  });
  return `${origin}${path}`;
};
