import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../../../lambdas/core/rules/retry-after.ts";

const NOW_MS = Date.parse("2026-11-06T08:49:00Z");
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe("Retry-After", () => {
  it.each([
    ["0", 0],
    ["1", 1_000],
    ["120", 120_000],
    ["00120", 120_000],
    [" \t7 ", 7_000],
    ["86400", DAY_MS],
    ["86401", DAY_MS],
    ["9".repeat(400), DAY_MS],
  ])("of %j is so many seconds, a day at most", (value, ms) => {
    expect(retryAfterMs(value, NOW_MS)).toBe(ms);
  });

  it.each([
    ["Fri, 06 Nov 2026 08:49:37 GMT", 37_000],
    ["Friday, 06-Nov-26 08:49:37 GMT", 37_000],
    ["Fri Nov  6 08:49:37 2026", 37_000],
    ["Fri Nov 06 08:49:37 2026", 37_000],
    ["Fri, 06 Nov 2026 08:49:60 GMT", 60_000],
    ["Sat, 07 Nov 2026 09:00:00 GMT", DAY_MS],
    ["Wed, 06 Nov 2126 08:49:37 GMT", DAY_MS],
    // Fifty years ahead at most: 2076, but 1977.
    ["Friday, 06-Nov-76 08:49:37 GMT", DAY_MS],
  ])("of %j is a date, a day ahead at most", (value, ms) => {
    expect(retryAfterMs(value, NOW_MS)).toBe(ms);
  });

  it.each([
    "",
    "-1",
    "+1",
    "1.5",
    "1e3",
    "0x10",
    "1, 2",
    "soon",
    "١٢",
    "Fri, 06 Nov 2026 08:48:59 GMT",
    "Sunday, 06-Nov-77 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Fri, 6 Nov 2026 08:49:37 GMT",
    "Fri, 06 Nov 2026 08:49:37",
    "Fri, 06 Nov 2026 08:49:37 UTC",
    "Fri, 06 Nov 2026 24:00:00 GMT",
    "Fri, 06 Nov 2026 08:60:00 GMT",
    "Mon, 31 Nov 2026 08:49:37 GMT",
    "fri, 06 nov 2026 08:49:37 gmt",
    "2026-11-06T09:00:00Z",
  ])("of %j counts as absent", (value) => {
    expect(retryAfterMs(value, NOW_MS)).toBeUndefined();
  });
});
