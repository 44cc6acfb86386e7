import { marshall } from "@aws-sdk/util-dynamodb";
import { describe, expect, it } from "vitest";
import { itemSizeBytes } from "../../../../lambdas/adapters/dynamodb/item-size.ts";

const sizeOf = (item: Record<string, unknown>): number => itemSizeBytes(marshall(item));

describe("what DynamoDB bills an item with", () => {
  it.each([
    ["nothing", {}, 0],
    ["a text and its name", { ab: "cde" }, 5],
    ["bytes of UTF-8, not characters", { é: "\u{1F600}" }, 6],
    ["bytes", { a: Uint8Array.of(1, 2, 3) }, 4],
    ["half a byte a digit, and one more", { a: 12 }, 3],
    ["a time in milliseconds", { a: 1_700_000_000_000 }, 9],
    ["a digit", { a: 1 }, 3],
    ["true and null as a byte each", { a: true, b: null }, 4],
    ["three bytes for a list, and one for each of its items", { a: ["bc", 12] }, 1 + 3 + 3 + 3],
    ["an empty list", { a: [] }, 4],
    [
      "three bytes for a map, and one for each of its pairs",
      { a: { b: "cd", e: 1 } },
      1 + 3 + 2 + 3 + 3,
    ],
    ["lists in lists", { a: [["b", "c"]] }, 1 + 3 + 1 + 3 + 2 + 2],
  ])("is %s", (_what, item, bytes) => {
    expect(sizeOf(item)).toBe(bytes);
  });
});
