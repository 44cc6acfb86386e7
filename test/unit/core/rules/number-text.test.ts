import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRoundedToWhole } from "../../../../lambdas/core/rules/number-text.ts";

describe("a number that is read as a whole one", () => {
  it.each([
    "2.99999999999999999999",
    "-2.99999999999999999999",
    "30000.000000000000000001",
    "1e-400",
    "29999999999999999999.9e-1",
    "0.299999999999999999999e1",
    "9007199254740992.5",
  ])("is not one: %s", (literal) => {
    expect(isRoundedToWhole(literal)).toBe(true);
  });

  it.each([
    "0",
    "-0",
    "0.0",
    "0e-5",
    "8",
    "8.0",
    "1e1",
    "1E+1",
    "0.5e1",
    "50e-1",
    "3.000000000000000000000",
    "12345678901234567890",
    "1e300",
    "1e999",
    "100000000000000000000e-20",
  ])("is one: %s", (literal) => {
    expect(isRoundedToWhole(literal)).toBe(false);
  });

  it.each(["8.5", "0.1", "true", "null"])("is not read as one: %s", (literal) => {
    expect(isRoundedToWhole(literal)).toBe(false);
  });

  it("is one whatever its exponent, if its digits behind the point are zeros", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(30), (whole, places) => {
        const shifted = `${whole}${"0".repeat(places)}e-${places}`;
        expect(isRoundedToWhole(shifted)).toBe(false);
        expect(isRoundedToWhole(`${whole}.${"0".repeat(30)}1`)).toBe(true);
      }),
    );
  });
});
