import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { excerptOf } from "../../../../lambdas/core/rules/excerpt.ts";
import { codePointLength } from "../../../../lambdas/core/rules/text.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ofText = (text: string): string => excerptOf(utf8(text));
/** An escaped control character is one. */
const shownLength = (excerpt: string): number =>
  codePointLength(excerpt.replaceAll(/\\u[0-9a-f]{4}/g, "x"));

describe("what is kept of a response", () => {
  it.each([
    ["nothing of nothing", "", ""],
    ["a short one whole", '{"error":"no such order"}', '{"error":"no such order"}'],
    ["256 characters", "a".repeat(257), "a".repeat(256)],
    [
      "an emoji as the 256th character",
      `${"a".repeat(255)}\u{1F600}b`,
      `${"a".repeat(255)}\u{1F600}`,
    ],
    ["no half of an emoji as the 257th", `${"a".repeat(256)}\u{1F600}`, "a".repeat(256)],
    ["256 emoji, which are exactly 1 KB", "\u{1F600}".repeat(300), "\u{1F600}".repeat(256)],
    ["a byte order mark as the character that it is", "\uFEFFa", "\uFEFFa"],
  ])("is %s", (_what, text, kept) => {
    expect(ofText(text)).toBe(kept);
  });

  it.each([
    ["\u0000", "\\u0000"],
    ["\t", "\\u0009"],
    ["\r\n", "\\u000d\\u000a"],
    ["\u001b[31m", "\\u001b[31m"],
    ["\u007f", "\\u007f"],
    ["\u0085", "\\u0085"],
    ["\u009f", "\\u009f"],
    ["\u00a0", "\u00a0"],
  ])("shows the control characters of %j as %s", (text, shown) => {
    expect(ofText(text)).toBe(shown);
  });

  it("counts characters before they are escaped, and bytes after", () => {
    expect(ofText(`${"a".repeat(255)}\n`)).toBe(`${"a".repeat(255)}\\u000a`);
    // Six bytes for each of them: 170 are 1,020.
    expect(ofText("\u0000".repeat(256))).toBe("\\u0000".repeat(170));
    // An escape that would end beyond 1 KB is left out whole, and nothing comes after it.
    expect(ofText(`${"\u{1F600}".repeat(255)}\n\n`)).toBe("\u{1F600}".repeat(255));
  });

  it("replaces bytes that are no UTF-8", () => {
    expect(excerptOf(Uint8Array.of(0x63, 0x61, 0x66, 0xe9))).toBe("caf\uFFFD");
    expect(excerptOf(Uint8Array.of(0x80, 0x80))).toBe("\uFFFD\uFFFD");
    // A surrogate in UTF-8, an overlong slash, and a character that breaks off.
    expect(excerptOf(Uint8Array.of(0xed, 0xa0, 0x80)).isWellFormed()).toBe(true);
    expect(excerptOf(Uint8Array.of(0xc0, 0xaf))).toBe("\uFFFD\uFFFD");
    expect(excerptOf(Uint8Array.of(0xf0, 0x9f, 0x98))).toBe("\uFFFD");
  });

  it("is the beginning of compressed bytes, as they came, and not what they unpack to", () => {
    const zipped = gzipSync(Buffer.alloc(10_000_000));
    const excerpt = excerptOf(zipped.subarray(0, 65_536));
    expect(excerpt.startsWith("\\u001f\uFFFD\\u0008")).toBe(true);
    expect(excerpt.length).toBeLessThan(1_100);
  });

  it("never is ill-formed, longer than 256 characters, over 1 KB, or with a control character", () => {
    const anyBody = fc.oneof(
      fc.uint8Array({ maxLength: 2_000, size: "max" }),
      fc.string({ unit: "binary", maxLength: 1_000, size: "max" }).map(utf8),
    );
    fc.assert(
      fc.property(anyBody, (body) => {
        const excerpt = excerptOf(body);
        expect(excerpt.isWellFormed()).toBe(true);
        expect(excerpt).not.toMatch(/\p{Cc}/u);
        expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(1_024);
        expect(shownLength(excerpt)).toBeLessThanOrEqual(256);
      }),
    );
  });

  it("is the whole text, where it is plain and short enough", () => {
    const plain = fc.string({ unit: "grapheme", maxLength: 60 }).filter((t) => !/\p{Cc}/u.test(t));
    fc.assert(
      fc.property(plain, (text) => {
        fc.pre(codePointLength(text) <= 256 && Buffer.byteLength(text) <= 1_024);
        expect(ofText(text)).toBe(text);
      }),
    );
  });

  it("is cut where the whole body, decoded, would be cut", () => {
    const anyLongBody = fc.uint8Array({ minLength: 900, maxLength: 2_000, size: "max" });
    const anyLongText = fc
      .string({ unit: "binary", minLength: 200, maxLength: 1_000, size: "max" })
      .map(utf8);
    fc.assert(
      fc.property(fc.oneof(anyLongBody, anyLongText), (body) => {
        const whole = Array.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(body));
        const shown = whole.slice(0, 256).map((character) => ofText(character));
        expect(shown.join("").startsWith(excerptOf(body))).toBe(true);
        const next = shown[shownLength(excerptOf(body))] ?? "";
        const isFull = Buffer.byteLength(excerptOf(body) + next) > 1_024;
        expect(isFull || excerptOf(body) === shown.join("")).toBe(true);
      }),
    );
  });
});
