import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIdempotencyKey } from "../../../lambdas/contract/idempotency-key.ts";
import { refusalOf } from "../support/refusal.ts";

describe("an idempotency key", () => {
  it("may be left out", () => {
    expect(parseIdempotencyKey(undefined)).toBeUndefined();
  });

  it("is 1 to 255 printable ASCII characters, kept as they are", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{1,255}$/), (key) => {
        expect(parseIdempotencyKey(key)).toBe(key);
      }),
    );
    expect(parseIdempotencyKey("k".repeat(255))).toHaveLength(255);
    expect(parseIdempotencyKey(" ")).toBe(" ");
    expect(parseIdempotencyKey("a,b")).toBe("a,b");
  });

  it.each(["", "k".repeat(256), "é", "a\u0000", "a\tb", "a\n", "\u007f", "\u{1F600}"])(
    "is refused: %j",
    (key) => {
      expect(refusalOf(() => parseIdempotencyKey(key))).toMatchObject({
        code: "invalid_input",
        where: ["Idempotency-Key"],
      });
    },
  );
});
