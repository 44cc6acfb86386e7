import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { meaningOf } from "../../../../lambdas/core/rules/json-text.ts";
import { anyNode, anyStyle, plainNode, printed } from "../../support/json-texts.ts";
import type { Choose, Node } from "../../support/json-texts.ts";

const means = (text: string): string => meaningOf(text).toString("hex");

describe("two texts mean the same", () => {
  it.each([
    ["in another order of keys", '{"a":1,"b":[2]}', '{"b":[2],"a":1}'],
    ["in another order at depth", '[{"a":{"x":1,"y":2}}]', '[{"a":{"y":2,"x":1}}]'],
    ["with other white space", '{"a":[1,2,{}]}', ' {\r\n"a"\t:\n[ 1 , 2,{ } ] } '],
    ["with a letter by escape", '{"type":"\u00e9"}', '{"t\\u0079pe":"\\u00E9"}'],
    ["with a slash by escape", '["/"]', '["\\/"]'],
    ["with an emoji by escape", '["\u{1F600}"]', '["\\ud83d\\uDE00"]'],
    ["with a line end by either escape", '["\\n"]', '["\\u000a"]'],
    [
      "with keys that only a language deems equal",
      '{"\u00e9":1,"e\u0301":2}',
      '{"e\u0301":2,"\u00e9":1}',
    ],
    ["with two keys twice, each in its order", '{"a":1,"b":1,"a":2}', '{"b":1,"a":1,"a":2}'],
  ])("%s", (_how, one, other) => {
    expect(means(one)).toBe(means(other));
  });

  it("whatever they are, when only their spelling and the order of keys differ", () => {
    fc.assert(
      fc.property(plainNode, anyStyle, anyStyle, (node, style, otherStyle) => {
        const one = printed(node, style());
        const choose = otherStyle();
        expect(means(printed(shuffled(node, choose), choose))).toBe(means(one));
      }),
      { numRuns: 500 },
    );
  });

  it("after a round trip through JSON.parse, where numbers are plain", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(means(JSON.stringify(JSON.parse(text), null, 2))).toBe(means(text));
      }),
    );
  });
});

describe("two texts mean different things", () => {
  it.each([
    ["1", "1.0"],
    ["1", "1e0"],
    ["1.0", "1e0"],
    ["1e0", "1E0"],
    ["0", "-0"],
    ["82025227314455255420", "82025227314455255421"],
    ["1", '"1"'],
    ["true", '"true"'],
    ["null", '"null"'],
    ["null", "{}"],
    ["[]", "{}"],
    ["[]", "[[]]"],
    ["[1,2]", "[2,1]"],
    ["[1,2]", "[12]"],
    ["[1,23]", "[12,3]"],
    ["[null,1]", "[null]"],
    ['{"a":1,"b":2}', '{"a":12,"b":2}'],
    ["[1,[2]]", "[[1],2]"],
    ["[[],[]]", "[[[]]]"],
    ['["a","b"]', '{"a":"b"}'],
    ['["ab"]', '["a","b"]'],
    ['{"a":"bc"}', '{"ab":"c"}'],
    ['{"a":1}', '{"a":1,"b":null}'],
    ['{"a":{"b":1}}', '{"a":1,"b":1}'],
    ['{"a":1,"a":2}', '{"a":2,"a":1}'],
    ['{"a":1,"a":1}', '{"a":1}'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['"\u00e9"', '"e\u0301"'],
    ['"a"', '"A"'],
    ['"\\ud800"', '"\\ud801"'],
    ['"\\ud800"', '"\\ufffd"'],
    ['{"\\ud800":1}', '{"\\udc00":1}'],
    ['{"":1}', "{}"],
    ['{"__proto__":1}', "{}"],
  ])("%s and %s", (one, other) => {
    expect(means(one)).not.toBe(means(other));
    expect(means(`{"payload":${one}}`)).not.toBe(means(`{"payload":${other}}`));
  });

  it("whenever their canonical form differs", () => {
    fc.assert(
      fc.property(anyNode, anyNode, anyStyle, (one, other, style) => {
        const isSame = canonical(one) === canonical(other);
        expect(means(printed(one, style())) === means(printed(other, style()))).toBe(isSame);
      }),
      { numRuns: 500 },
    );
  });

  it("wherever the same digits are cut into numbers in another way", () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 9 });
    const listOf = (at: readonly number[]) => {
      const ends = [...at.toSorted((a, b) => a - b), 10];
      return `[${ends.map((end, index) => "1234567891".slice(ends[index - 1] ?? 0, end)).join()}]`;
    };
    fc.assert(
      fc.property(cuts, cuts, (one, other) => {
        expect(means(listOf(one)) === means(listOf(other))).toBe(listOf(one) === listOf(other));
      }),
    );
  });

  it("when a single part of them was changed", () => {
    fc.assert(
      fc.property(anyNode, anyStyle, fc.nat(), (node, style, at) => {
        expect(means(printed(changed(node, at), style()))).not.toBe(means(printed(node, style())));
      }),
    );
  });
});

describe("the meaning of a large text is found", () => {
  it("with 100,000 brackets within each other", () => {
    const deep = (inner: string) => "[".repeat(100_000) + inner + "]".repeat(100_000);
    expect(means(deep(""))).not.toBe(means(deep("1")));
    const deepObject = (inner: string) => '{"a":'.repeat(50_000) + inner + "}".repeat(50_000);
    expect(means(deepObject("1"))).toBe(means(deepObject(" 1 ")));
  });

  it("with as many items in one array as a payload can hold", () => {
    const wide = (last: string) => `[${"1,".repeat(131_070)}${last}]`;
    expect(means(wide("1"))).not.toBe(means(wide("2")));
  });

  it("with as many members in one object as a payload can hold", () => {
    const wide = (last: string) => `{${'"":1,'.repeat(52_000)}"":${last}}`;
    expect(means(wide("1"))).not.toBe(means(wide("2")));
  });
});

function shuffled(node: Node, choose: Choose): Node {
  if (node.kind === "array") {
    return { kind: "array", items: node.items.map((item) => shuffled(item, choose)) };
  }
  if (node.kind !== "object") return node;
  const members = node.members.map(([key, value]) => [key, shuffled(value, choose)] as const);
  for (let at = members.length - 1; at > 0; at -= 1) {
    const other = choose(at + 1);
    [members[at], members[other]] = [members[other]!, members[at]!];
  }
  return { kind: "object", members };
}

/** One text for each meaning: keys sorted, equal keys in their order. */
function canonical(node: Node): string {
  switch (node.kind) {
    case "literal":
      return node.text;
    case "string":
      return JSON.stringify(node.value);
    case "array":
      return `[${node.items.map(canonical).join()}]`;
    case "object": {
      const members = node.members.map(([key, value]) => [JSON.stringify(key), canonical(value)]);
      const sorted = members.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : a > b ? 1 : 0));
      return `{${sorted.map((member) => member.join(":")).join()}}`;
    }
  }
}

/** The node with one part of it replaced: the part that `at` comes to on its way down. */
function changed(node: Node, at: number): Node {
  if (node.kind === "array" && node.items.length > 0) {
    const index = at % node.items.length;
    const next = Math.floor(at / node.items.length);
    return { kind: "array", items: node.items.map((i, n) => (n === index ? changed(i, next) : i)) };
  }
  if (node.kind === "object" && node.members.length > 0) {
    const index = at % node.members.length;
    const next = Math.floor(at / node.members.length);
    const members = node.members.map(([key, value], n) =>
      n === index ? ([key, changed(value, next)] as const) : ([key, value] as const),
    );
    return { kind: "object", members };
  }
  return { kind: "array", items: [node] };
}
