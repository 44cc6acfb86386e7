import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openCursor, sealCursor } from "../../../../lambdas/core/rules/cursor.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const secret = new Uint8Array(32).fill(1);
const nonce = new Uint8Array(12).fill(2);
const list = fc.array(fc.option(fc.string(), { nil: undefined }), { maxLength: 4 });
const position = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });

describe("a cursor", () => {
  it("opens to the position that was sealed into it, and fits into a URL", () => {
    fc.assert(
      fc.property(bytes(32), bytes(12), list, position, (key, once, of, at) => {
        const cursor = sealCursor(key, of, at, once);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(openCursor(key, of, cursor)).toBe(at.toWellFormed());
      }),
    );
  });

  it("opens for no other list", () => {
    fc.assert(
      fc.property(list, list, position, (of, other, at) => {
        const isSame = JSON.stringify(of) === JSON.stringify(other);
        const opened = openCursor(secret, other, sealCursor(secret, of, at, nonce));
        expect(opened).toBe(isSame ? at : undefined);
      }),
    );
  });

  it.each([
    [
      ["ab", "c"],
      ["a", "bc"],
    ],
    [["a", undefined], ["a"]],
    [
      ["a", undefined, "b"],
      ["a", "b", undefined],
    ],
    [["null"], [undefined]],
  ])("keeps the lists %j and %j apart", (one, other) => {
    expect(openCursor(secret, other, sealCursor(secret, one, "1", nonce))).toBeUndefined();
  });

  it("opens with no other secret", () => {
    const cursor = sealCursor(secret, ["a"], "1", nonce);
    expect(openCursor(new Uint8Array(32).fill(3), ["a"], cursor)).toBeUndefined();
  });

  it("does not open when any letter of it was changed, cut off or added", () => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=. %";
    fc.assert(
      fc.property(
        position,
        fc.nat(),
        fc.constantFrom(...letters.split("")),
        fc.nat(2),
        (at, place, letter, how) => {
          const cursor = sealCursor(secret, ["a"], at, nonce);
          const index = place % cursor.length;
          const inPlaceOf = how === 0 ? letter : how === 1 ? "" : letter + cursor.charAt(index);
          const changed = cursor.slice(0, index) + inPlaceOf + cursor.slice(index + 1);
          fc.pre(changed !== cursor);
          expect(openCursor(secret, ["a"], changed)).toBeUndefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each(["", "A", "AAAA", "A".repeat(38), "A".repeat(5_000), "é", "\u0000"])(
    "is not whatever somebody makes up: %j",
    (text) => {
      expect(openCursor(secret, ["a"], text)).toBeUndefined();
    },
  );

  it("shows nothing of what is in it", () => {
    const cursor = sealCursor(secret, ["tenant"], "1700000000000#job_1", nonce);
    expect(Buffer.from(cursor, "base64url").toString("latin1")).not.toMatch(/1700|job|tenant/);
  });
});
