import { describe, expect, it } from "vitest";
import { deviations } from "../../conformance/deviations.ts";
import { refuseOther, requireTitles } from "../../conformance/expect-deviations.ts";

const known = { server: "MiniStack", failsWith: /expected 1 to be 2\b/ } as const;
const asKnown = "AssertionError: expected 1 to be 2 // Object.is equality";

describe("The failure of a test that a server is known to fail", () => {
  it("is the one that shows the deviation", () => {
    expect(() => refuseOther(known, [asKnown])).not.toThrow();
  });

  it.each([
    "Error: connect ECONNREFUSED 127.0.0.1:4566",
    "TypeError: Cannot read properties of undefined (reading 'send')",
    "AssertionError: expected 1 to be 20 // Object.is equality",
  ])("is no other, as %s", (other) => {
    expect(() => refuseOther(known, [other])).toThrow(other);
    expect(() => refuseOther(known, [asKnown, other])).toThrow(other);
  });

  it("has to come, or the entry goes", () => {
    expect(() => refuseOther(known, [])).toThrow("has to go");
  });
});

describe("An entry", () => {
  it("is for a test that is there", () => {
    const [entry] = deviations;
    if (entry === undefined) throw new Error("there is no entry to try it with");
    expect(() => requireTitles([entry], new Set([entry.test]))).not.toThrow();
    expect(() => requireTitles([entry], new Set(["another"]))).toThrow(entry.test);
  });

  it("is not satisfied with any failure", () => {
    for (const { failsWith } of deviations) {
      expect("Error: connect ECONNREFUSED 127.0.0.1:4566").not.toMatch(failsWith);
      expect("AssertionError: x").not.toMatch(failsWith);
    }
  });
});
