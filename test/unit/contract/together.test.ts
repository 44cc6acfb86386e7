import { describe, expect, it } from "vitest";
import { together } from "../../../lambdas/contract/together.ts";
import { Problem } from "../../../lambdas/core/errors.ts";
import { refusalOf } from "../support/refusal.ts";

const wrong = (pointer: string) => () => {
  throw new Problem("invalid_input", "No.", { mistakes: [{ pointer, detail: "is wrong" }] });
};
const tooLarge = () => {
  throw new Problem("payload_too_large", "No.");
};

describe("parts of a request that are read together", () => {
  it("come back each with its own type, in their order", () => {
    const [number, text] = together(
      () => 1,
      () => "a",
    );
    expect([number, text]).toEqual([1, "a"]);
  });

  it("are refused with the mistakes of all of them", () => {
    expect(refusalOf(() => together(wrong("/a"), () => 1, wrong("/b")))).toMatchObject({
      code: "invalid_input",
      where: ["/a", "/b"],
    });
  });

  it("are refused for their size before they are refused for their fields", () => {
    expect(refusalOf(() => together(wrong("/a"), tooLarge, wrong("/b")))).toMatchObject({
      code: "payload_too_large",
      where: [],
    });
  });

  it("do not hide a fault of ours", () => {
    const fault = () => {
      throw new TypeError("a bug");
    };
    expect(() => together(wrong("/a"), fault)).toThrow(TypeError);
  });
});
