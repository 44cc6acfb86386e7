import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Mistake } from "../../../../lambdas/core/errors.ts";
import { pointerOf, readEnvelope } from "../../../../lambdas/core/rules/json-text.ts";
import { anyNode, anyStyle, printed } from "../../support/json-texts.ts";
import type { Node } from "../../support/json-texts.ts";

const mistakesIn = (text: string): readonly Mistake[] =>
  readEnvelope(text, (path) => path.length === 1 && path[0] === "payload").mistakes;

const pointersIn = (text: string): readonly string[] =>
  mistakesIn(text).map((mistake) => ("pointer" in mistake ? mistake.pointer : "?"));

describe("a key that stands twice", () => {
  it.each([
    ["at the top", '{"tenant_id":"a","tenant_id":"b"}', ["/tenant_id"]],
    ["spelled by escape", '{"type":"a","t\\u0079pe":"b"}', ["/type"]],
    ["the payload itself", '{"payload":1,"payload":2}', ["/payload"]],
    [
      "inside an object",
      '{"destination":{"url":"a","method":"GET","url":"b"}}',
      ["/destination/url"],
    ],
    ["inside an array", '{"a":[{},[{"b":1,"b":2}]]}', ["/a/1/0/b"]],
    ["three times", '{"a":1,"a":2,"a":3}', ["/a", "/a"]],
    ["an empty one", '{"":1,"":2}', ["/"]],
    ["with a slash and a tilde", '{"a/b~c":1,"a/b~c":2}', ["/a~1b~0c"]],
    ["called __proto__", '{"__proto__":1,"__proto__":2}', ["/__proto__"]],
    ["an emoji, raw and escaped", '{"\u{1F600}":1,"\\ud83d\\ude00":2}', ["/\u{1F600}"]],
    [
      "in a value that stands twice",
      '{"a":{"b":1,"b":1},"a":{"c":1,"c":1}}',
      ["/a/b", "/a", "/a/c"],
    ],
    ["after a nested object", '{"a":{"b":{"c":[1,{"d":2}]}},"e":1,"a":2}', ["/a"]],
  ])("is named: %s", (_where, text, pointers) => {
    expect(pointersIn(text)).toEqual(pointers);
    for (const { detail } of mistakesIn(text)) expect(detail).toBe("stands twice");
  });

  it.each([
    ["keys of different objects", '{"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}],"b":1}'],
    ["composed and decomposed letters", '{"\u00e9":1,"e\u0301":2}'],
    ["upper and lower case", '{"a":1,"A":2}'],
    ["a key and an equal value", '{"a":"a","b":["a","a"]}'],
  ])("is not seen in %s", (_what, text) => {
    expect(mistakesIn(text)).toEqual([]);
  });

  it("is found at the bottom of 20,000 brackets", () => {
    const text = `{"a":${"[".repeat(20_000)}{"b":1,"b":2}${"]".repeat(20_000)}}`;
    expect(pointersIn(text)).toEqual([`/a${"/0".repeat(20_000)}/b`]);
  });

  it("is named as a reader who walks the tree would name it", () => {
    fc.assert(
      fc.property(anyNode, anyStyle, (node, style) => {
        const told = mistakesIn(printed({ kind: "array", items: [node] }, style()));
        const twice = told.filter(({ detail }) => detail === "stands twice");
        expect(twice.map((mistake) => "pointer" in mistake && mistake.pointer)).toEqual(
          duplicatesOf(node, [0]),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("text outside the payload that is not well-formed", () => {
  const notPlain = "must be well-formed Unicode without U+0000";
  it.each([
    ["a lone high surrogate", '{"a":"\\ud800"}', "/a", notPlain],
    ["a lone low surrogate", '{"a":"x\\uDC00"}', "/a", notPlain],
    ["surrogates in the wrong order", '{"a":"\\ude00\\ud83d"}', "/a", notPlain],
    ["a raw lone surrogate", '{"a":"\ud800"}', "/a", notPlain],
    ["U+0000", '{"a":["b",{"c":"\\u0000"}]}', "/a/1/c", notPlain],
    ["U+0000 in a key", '{"a":{"b\\u0000":1}}', "/a/b\0", `key ${notPlain}`],
    ["a lone surrogate in a key", '{"\\ud800":1}', "/\ud800", `key ${notPlain}`],
    ["a text alone", '"\\ud800"', "", notPlain],
  ])("is named: %s", (_what, text, pointer, detail) => {
    expect(mistakesIn(text)).toEqual([{ pointer, detail }]);
  });

  it.each([
    ["a pair by escape", '{"a":"\\ud83d\\ude00"}'],
    ["an escaped backslash before u0000", '{"a":"\\\\u0000"}'],
    ["other control characters by escape", '{"a":"\\u0001\\u001f\\u007f"}'],
    ["noncharacters", '{"a":"\\uffff\\ufdd0"}'],
  ])("is not seen in %s", (_what, text) => {
    expect(mistakesIn(text)).toEqual([]);
  });

  it("is found wherever it stands, and nowhere else", () => {
    fc.assert(
      fc.property(anyNode, anyStyle, (node, style) => {
        const told = mistakesIn(printed({ kind: "array", items: [node] }, style()));
        expect(told.filter(({ detail }) => detail.includes("well-formed")).length).toBe(
          illFormed(node),
        );
      }),
    );
  });
});

describe("the list of mistakes", () => {
  it("stays small enough to be answered, however deep they stand", () => {
    // 48 KB that hold 4,000 mistakes, each with a pointer as long as it is deep. Lambda answers
    // with 6 MB at most.
    const text = '{"a":1,"a":'.repeat(4_000) + "1" + "}".repeat(4_000);
    const told = mistakesIn(text);
    expect(told.length).toBeGreaterThan(0);
    const characters = told.reduce((sum, mistake) => sum + JSON.stringify(mistake).length, 0);
    expect(characters).toBeLessThan(6_000_000);
  });
});

describe("a pointer", () => {
  it.each([
    [[], ""],
    [["a"], "/a"],
    [["a", 0, "b"], "/a/0/b"],
    [[""], "/"],
    [["", ""], "//"],
    [["a/b", "m~n"], "/a~1b/m~0n"],
    [["~1"], "/~01"],
    [["é", " ", '"'], '/é/ /"'],
  ])("to %j reads %s", (path, pointer) => {
    expect(pointerOf(path)).toBe(pointer);
  });
});

function duplicatesOf(node: Node, path: readonly (string | number)[]): readonly string[] {
  switch (node.kind) {
    case "literal":
    case "string":
      return [];
    case "array":
      return node.items.flatMap((item, index) => duplicatesOf(item, [...path, index]));
    case "object": {
      const seen = new Set<string>();
      return node.members.flatMap(([key, value]) => {
        const isTwice = seen.has(key);
        seen.add(key);
        const here = [...path, key];
        return [...(isTwice ? [pointerOf(here)] : []), ...duplicatesOf(value, here)];
      });
    }
  }
}

function illFormed(node: Node): number {
  const isBad = (text: string) => !text.isWellFormed() || text.includes("\0");
  switch (node.kind) {
    case "literal":
      return 0;
    case "string":
      return isBad(node.value) ? 1 : 0;
    case "array":
      return node.items.reduce((sum, item) => sum + illFormed(item), 0);
    case "object":
      return node.members.reduce(
        (sum, [key, value]) => sum + (isBad(key) ? 1 : 0) + illFormed(value),
        0,
      );
  }
}
