import type { Mistake } from "../errors.ts";
import { hashOfParts } from "./ids.ts";

/**
 * JSON looked at as text: where each value stands, so that a payload can be cut out as the sender
 * wrote it, and what a parser hides (a key that stands twice). All of it walks with a stack of its
 * own instead of recursion: a body may be 100,000 brackets deep.
 */

interface Token {
  readonly kind: "{" | "}" | "[" | "]" | "," | ":" | "string" | "literal";
  readonly start: number;
  readonly end: number;
}

/** A key of an object or an index of an array. */
type Step = string | number;

export interface JsonEnvelope {
  /** As `JSON.parse` reads it. */
  readonly value: unknown;
  /** The text of every opaque value that was found, by its pointer. */
  readonly opaqueTexts: ReadonlyMap<string, string>;
  /** Keys that stand twice and text that is not well-formed, outside the opaque values. */
  readonly mistakes: readonly Mistake[];
}

/** RFC 6901, without `#`. */
export const pointerOf = (path: readonly Step[]): string =>
  path.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/**
 * Reads a JSON text whose values at certain paths are opaque: not looked into, only cut out.
 *
 * @throws SyntaxError if the text is not JSON
 */
export const readEnvelope = (
  text: string,
  isOpaque: (path: readonly Step[]) => boolean,
): JsonEnvelope => {
  const value: unknown = JSON.parse(text); // the judge of the grammar: the walk relies on it
  const opaqueTexts = new Map<string, string>();
  const mistakes: Mistake[] = [];
  const path: Step[] = [];
  const keysOf: (Set<string> | null)[] = []; // per open container; null for an array
  let isKey = false;

  const tokens = tokensOf(text);
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const token = next.value;
    const keys = keysOf.at(-1);

    if (token.kind === "string" && isKey && keys) {
      const key = decoded(text, token);
      path[path.length - 1] = key;
      if (keys.has(key)) mistakes.push({ pointer: pointerOf(path), detail: "stands twice" });
      keys.add(key);
      if (!isPlainText(key))
        mistakes.push({ pointer: pointerOf(path), detail: `key ${ILL_FORMED}` });
      isKey = false;
      continue;
    }
    if (token.kind === ":") {
      if (isOpaque(path)) opaqueTexts.set(pointerOf(path), skipValue(text, tokens));
      continue;
    }
    switch (token.kind) {
      case "{":
        keysOf.push(new Set());
        path.push("");
        isKey = true;
        break;
      case "[":
        keysOf.push(null);
        path.push(0);
        break;
      case "}":
      case "]":
        keysOf.pop();
        path.pop();
        isKey = false;
        break;
      case ",":
        if (keys) isKey = true;
        else path[path.length - 1] = Number(path.at(-1)) + 1;
        break;
      case "string":
        if (!isPlainText(decoded(text, token))) {
          mistakes.push({ pointer: pointerOf(path), detail: ILL_FORMED });
        }
        break;
      case "literal":
        break;
    }
  }
  return { value, opaqueTexts, mistakes };
};

/**
 * A digest of what a JSON text means: equal for texts that differ in white space, in the order of
 * keys or in how strings are escaped. Numbers count by their literal text (a parser would round a
 * 20-digit integer), and keys that stand twice by their order.
 *
 * @param text valid JSON
 */
export const meaningOf = (text: string): Buffer => {
  interface Container {
    readonly kind: "{" | "[";
    readonly members: { readonly key: string; readonly digest: Uint8Array }[];
    key: string;
    isKey: boolean;
  }
  const root: Container = { kind: "[", members: [], key: "", isKey: false };
  const open = [root];

  for (const token of tokensOf(text)) {
    const inner = open.at(-1) ?? root;
    const add = (digest: Uint8Array) => inner.members.push({ key: inner.key, digest });
    switch (token.kind) {
      case "{":
      case "[":
        open.push({ kind: token.kind, members: [], key: "", isKey: token.kind === "{" });
        break;
      case "}":
      case "]": {
        open.pop();
        const outer = open.at(-1) ?? root;
        outer.members.push({ key: outer.key, digest: digestOf(inner.kind, inner.members) });
        break;
      }
      case ",":
        inner.isKey = inner.kind === "{";
        break;
      case ":":
        break;
      case "string":
        if (inner.isKey) {
          inner.key = decoded(text, token);
          inner.isKey = false;
        } else add(scalar("string", decoded(text, token)));
        break;
      case "literal":
        add(scalar("literal", text.slice(token.start, token.end)));
        break;
    }
  }
  return digestOf("[", root.members);
};

const digestOf = (
  kind: "{" | "[",
  members: readonly { readonly key: string; readonly digest: Uint8Array }[],
): Buffer => {
  if (kind === "[") return hashOfParts("array", ...members.map((member) => member.digest));
  // Sorted by code unit; a stable sort keeps equal keys in the order sent.
  const sorted = members.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return hashOfParts("object", ...sorted.flatMap(({ key, digest }) => [utf16(key), digest]));
};

/** UTF-8 would make all lone surrogates equal. */
const utf16 = (text: string): Buffer => Buffer.from(text, "utf16le");

const scalar = (kind: "string" | "literal", text: string): Buffer => hashOfParts(kind, utf16(text));

const ILL_FORMED = "must be well-formed Unicode without U+0000";
const isPlainText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

const decoded = (text: string, token: Token): string => {
  const raw = text.slice(token.start, token.end);
  return raw.includes("\\") ? String(JSON.parse(raw)) : raw.slice(1, -1);
};

/** Takes the tokens of one value, however deep, and returns its text. */
const skipValue = (text: string, tokens: Iterator<Token>): string => {
  let start = -1;
  let depth = 0;
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const token = next.value;
    if (start < 0) start = token.start;
    if (token.kind === "{" || token.kind === "[") depth += 1;
    if (token.kind === "}" || token.kind === "]") depth -= 1;
    if (depth === 0) return text.slice(start, token.end);
  }
  throw new Error("a value that JSON.parse accepted does not end");
};

function* tokensOf(text: string): Generator<Token, undefined> {
  const between = /[^\t\n\r ]/g;
  const literal = /[^\t\n\r ,\]}]+/y;
  let at = 0;
  for (;;) {
    between.lastIndex = at;
    const found = between.exec(text);
    if (!found) return undefined;
    const start = found.index;
    const kind = found[0];
    let end = start + 1;
    switch (kind) {
      case "{":
      case "}":
      case "[":
      case "]":
      case ",":
      case ":":
        yield { kind, start, end };
        break;
      case '"':
        while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
        end += 1;
        yield { kind: "string", start, end };
        break;
      default:
        literal.lastIndex = start;
        end = start + (literal.exec(text)?.[0].length ?? 1);
        yield { kind: "literal", start, end };
    }
    at = end;
  }
}
