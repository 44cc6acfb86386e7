import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codePointLength, cutToBytes } from "../../../../lambdas/core/rules/text.ts";

describe("the length of a text", () => {
  it.each([
    ["", 0],
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 2],
    ["\u{1F600}", 1],
    ["\u{1F600}".repeat(256), 256],
  ])("of %j is %i code points", (text, length) => {
    expect(codePointLength(text)).toBe(length);
  });
});

describe("a text that is cut to so many bytes", () => {
  it.each([
    ["abc", 3, "abc"],
    ["abcd", 3, "abc"],
    ["ab ", 3, "ab "],
    ["\u00e9\u00e9", 3, "\u00e9"],
    ["a\u{1F600}", 4, "a"],
    ["a\u{1F600}", 5, "a\u{1F600}"],
    ["", 0, ""],
    ["\u{1F600}", 0, ""],
    ["\uFEFFab", 4, "\uFEFFa"],
  ])("of %j to %i is %j", (text, bytes, kept) => {
    expect(cutToBytes(text, bytes)).toBe(kept);
  });

  it("is its beginning, well-formed, as long as it can be but for blanks at its end", () => {
    const anyText = fc.string({ unit: "binary", maxLength: 60 });
    fc.assert(
      fc.property(anyText, fc.nat(80), (text, maxBytes) => {
        const kept = cutToBytes(text, maxBytes);
        expect(text.startsWith(kept)).toBe(true);
        expect(kept.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(maxBytes);
        const rest = Array.from(text.slice(kept.length));
        const firstThatCounts = rest.find((character) => character.trim() !== "");
        const isFull =
          firstThatCounts === undefined ||
          Buffer.byteLength(
            kept + text.slice(kept.length).split(firstThatCounts)[0] + firstThatCounts,
          ) > maxBytes;
        expect(isFull).toBe(true);
      }),
    );
  });
});
