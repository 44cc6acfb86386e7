import * as fc from "fast-check";

/** A JSON text's parts, each as it is written: numbers by their literal, keys as often as they stand. */
export type Node =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "array"; readonly items: readonly Node[] }
  | { readonly kind: "object"; readonly members: readonly (readonly [string, Node])[] };

const literal = fc.oneof(
  fc.constantFrom("true", "false", "null", "0", "-0", "1", "1.0", "1e0", "1E5", "-136.000e-2"),
  fc.stringMatching(/^-?[1-9]\d{0,24}(\.\d{1,25})?([eE][+-]?\d{1,3})?$/),
);

/** Any text at all, also with lone surrogates and U+0000. */
const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom('"', "\\", '\\"', "}", "]", ",", ":", "{[", "payload", "__proto__", "\u{1F600}"),
);
const fewKeys = fc.constantFrom("a", "b", "", "a/b", "~", "__proto__", "payload", "0", "\u{1F600}");

const nodes = (key: fc.Arbitrary<string>, isUnique: boolean) =>
  fc.letrec<{ node: Node }>((tie) => ({
    node: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      literal.map((text): Node => ({ kind: "literal", text })),
      anyText.map((value): Node => ({ kind: "string", value })),
      fc.array(tie("node"), { maxLength: 4 }).map((items): Node => ({ kind: "array", items })),
      (isUnique
        ? fc.uniqueArray(fc.tuple(key, tie("node")), { maxLength: 5, selector: ([name]) => name })
        : fc.array(fc.tuple(key, tie("node")), { maxLength: 5 })
      ).map((members): Node => ({ kind: "object", members })),
    ),
  })).node;

/** Keys may stand twice. */
export const anyNode = nodes(fc.oneof(fewKeys, anyText), false);
/** No key stands twice. */
export const plainNode = nodes(fc.oneof(fewKeys, anyText), true);

/** How a text is written where JSON leaves a choice: each call gives a number below `options`. */
export type Choose = (options: number) => number;

export const anyStyle: fc.Arbitrary<() => Choose> = fc
  .array(fc.nat(1_000), { minLength: 1, maxLength: 40 })
  .map((choices) => () => {
    let calls = 0;
    return (options) => (choices[calls++ % choices.length] ?? 0) % options;
  });

const BLANKS = ["", "", " ", "\n", "\r\n", "\t", "   "];

/** Writes a node down, with white space and escapes as they are chosen. */
export const printed = (node: Node, choose: Choose): string => {
  const blank = () => BLANKS[choose(BLANKS.length)] ?? "";
  switch (node.kind) {
    case "literal":
      return node.text;
    case "string":
      return printedString(node.value, choose);
    case "array":
      return `[${blank()}${node.items.map((item) => printed(item, choose) + blank()).join(`,${blank()}`)}]`;
    case "object": {
      const members = node.members.map(
        ([key, value]) =>
          printedString(key, choose) + blank() + ":" + blank() + printed(value, choose) + blank(),
      );
      return `{${blank()}${members.join(`,${blank()}`)}}`;
    }
  }
};

const SHORT: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

const printedString = (text: string, choose: Choose): string => {
  const units = Array.from({ length: text.length }, (_, index) => {
    const unit = text.charAt(index);
    const isLone = !text.slice(Math.max(0, index - 1), index + 2).isWellFormed();
    const mustEscape = unit < " " || unit === '"' || unit === "\\" || isLone;
    const hex = unit.charCodeAt(0).toString(16).padStart(4, "0");
    const spellings = [
      ...(mustEscape ? [] : [unit, unit]),
      ...(SHORT[unit] === undefined ? [] : [SHORT[unit]]),
      `\\u${hex}`,
      `\\u${hex.toUpperCase()}`,
    ];
    return spellings[choose(spellings.length)] ?? unit;
  });
  return `"${units.join("")}"`;
};
