import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { plantedFaults } from "../simulator/planted-faults.ts";

const page = readFileSync("docs/RELIABILITY.md", "utf8");

describe("docs/RELIABILITY.md", () => {
  it("lists every planted fault, as it is, and no other", () => {
    const listed = [...page.matchAll(/^\| `([a-z-]+)`\s*\| (.+?)\s*\| (\d+)\s*\|/gm)];
    expect(listed.map(([, name, breaks]) => ({ name, breaks }))).toEqual(
      plantedFaults.map(({ name, breaks }) => ({ name, breaks })),
    );
    for (const [, , , seed] of listed) expect(Number(seed)).toBeLessThanOrEqual(200);
  });
});
