import { createHash } from "node:crypto";
import type { Mistake } from "../errors.ts";
import { isRoundedToWhole } from "./number-text.ts";

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
  /**
   * What the parsed value hides, outside the opaque values: keys that stand twice, text that is not
   * well-formed, numbers that are not whole and were rounded to one.
   */
  readonly mistakes: readonly Mistake[];
}

/** Nobody reads more, and a body of half a megabyte can hold 90,000 of them. */
const MAX_MISTAKES = 50;

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
  const complain = (detail: string) => {
    if (mistakes.length < MAX_MISTAKES) mistakes.push({ pointer: pointerOf(path), detail });
  };

  const tokens = tokensOf(text);
  for (let next = tokens.next(); !next.done; next = tokens.next()) {
    const token = next.value;
    const keys = keysOf.at(-1);

    if (token.kind === "string" && isKey && keys) {
      const key = decoded(text, token);
      path[path.length - 1] = key;
      if (keys.has(key)) complain("stands twice");
      keys.add(key);
      if (!isPlainText(key)) complain(`key ${ILL_FORMED}`);
      isKey = false;
      continue;
    }
    if (token.kind === ":") {
      if (isOpaque(path)) opaqueTexts.set(pointerOf(path), skipValue(text, tokens));
      continue;
    }
    const isElement = keys === null && token.kind !== "," && token.kind !== "]";
    if (isElement && isOpaque(path)) {
      opaqueTexts.set(pointerOf(path), skipValue(text, tokens, token));
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
          complain(ILL_FORMED);
        }
        break;
      case "literal":
        if (isRoundedToWhole(text.slice(token.start, token.end))) {
          complain("has more digits behind the point than can be read");
        }
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
  const hash = createHash("sha256");
  let pending: string[] = [];
  for (const piece of canonicalPieces(readTree(text))) {
    pending.push(piece);
    if (pending.length < 1_024) continue;
    hash.update(pending.join(""));
    pending = [];
  }
  return hash.update(pending.join("")).digest();
};

/** A value, as far as its meaning goes: a scalar's canonical text, or a container's members. */
type Node = string | Container;
interface Container {
  readonly kind: "{" | "[";
  readonly members: { readonly key: string; readonly value: Node }[];
}

const readTree = (text: string): Node => {
  const root: Container = { kind: "[", members: [] };
  const open: { readonly container: Container; key: string; isKey: boolean }[] = [
    { container: root, key: "", isKey: false },
  ];
  for (const token of tokensOf(text)) {
    const inner = open.at(-1);
    if (!inner) break;
    const add = (value: Node) => inner.container.members.push({ key: inner.key, value });
    switch (token.kind) {
      case "{":
      case "[": {
        const container: Container = { kind: token.kind, members: [] };
        add(container);
        open.push({ container, key: "", isKey: token.kind === "{" });
        break;
      }
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        inner.isKey = inner.container.kind === "{";
        break;
      case ":":
        break;
      case "string":
        if (inner.isKey) {
          inner.key = decoded(text, token);
          inner.isKey = false;
        } else add(JSON.stringify(decoded(text, token)));
        break;
      case "literal":
        add(text.slice(token.start, token.end));
        break;
    }
  }
  return root.members[0]?.value ?? "";
};

/** The tree printed as JSON again, its keys sorted by code unit. */
function* canonicalPieces(root: Node): Generator<string, undefined> {
  const todo: (Node | { readonly print: string })[] = [root];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === "string") yield next;
    else if ("print" in next) yield next.print;
    else {
      yield next.kind;
      todo.push({ print: next.kind === "{" ? "}" : "]" });
      for (const { key, value } of inOrder(next).toReversed()) {
        todo.push({ print: "," }, value);
        if (next.kind === "{") todo.push({ print: `${JSON.stringify(key)}:` });
      }
    }
  }
  return undefined;
}

/** A stable sort keeps equal keys in the order sent. */
const inOrder = ({ kind, members }: Container): Container["members"] =>
  kind === "[" || members.length < 2
    ? members
    : members.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

const ILL_FORMED = "must be well-formed Unicode without U+0000";
const isPlainText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

const decoded = (text: string, token: Token): string => {
  const raw = text.slice(token.start, token.end);
  return raw.includes("\\") ? String(JSON.parse(raw)) : raw.slice(1, -1);
};

/** Takes the tokens of one value, however deep, and returns its text. */
const skipValue = (
  text: string,
  tokens: Iterator<Token, undefined>,
  first: Token | undefined = tokens.next().value,
): string => {
  let depth = 0;
  for (let token = first; token; token = tokens.next().value) {
    if (token.kind === "{" || token.kind === "[") depth += 1;
    if (token.kind === "}" || token.kind === "]") depth -= 1;
    if (depth === 0) return text.slice(first?.start, token.end);
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
