import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, retryAfterMsOf } from "../../lib/client/backoff.ts";
import { splitIntoBatches } from "../../lib/client/batch.ts";

const options = { baseDelayMs: 250, maxDelayMs: 10_000 };

describe("the wait before a repeat", () => {
  it("doubles up to its limit, half of it by chance", () => {
    const bounds = [0, 1, 2, 5, 6, 1_000].map((n) => [
      backoffMs(n, null, options, 0),
      backoffMs(n, null, options, 1),
    ]);
    expect(bounds).toEqual([
      [125, 250],
      [250, 500],
      [500, 1_000],
      [4_000, 8_000],
      [5_000, 10_000],
      [5_000, 10_000],
    ]);
  });

  it("is raised by what the server asks for, and never lowered", () => {
    expect(backoffMs(0, 20_000, options, 0.5)).toBe(20_000);
    expect(backoffMs(6, 1_000, options, 1)).toBe(10_000);
  });
});

describe("Retry-After", () => {
  const nowMs = Date.parse("2026-02-02T12:00:00.000Z");
  it.each([
    ["0", 0],
    ["120", 120_000],
    ["Mon, 02 Feb 2026 12:00:30 GMT", 30_000],
    ["Mon, 02 Feb 2026 11:00:00 GMT", 0],
    ["soon", null],
    ["Not a date", null],
    ["-1", null],
    ["1.5", null],
    ["2026-02-02T12:00:30Z", null],
    ["", null],
  ])("of %j is %j ms from then", (value, expected) => {
    expect(retryAfterMsOf(new Headers({ "retry-after": value }), nowMs)).toBe(expected);
  });
});

describe("splitting into batches", () => {
  const MAX_BYTES = 3 * 1_024 * 1_024;
  const bytesOf = (part: readonly string[]) => Buffer.byteLength(`{"jobs":[${part.join(",")}]}`);
  /** With letters of two bytes, which a count of characters would take for one. */
  const ofBytes = (bytes: number) => `"${"é".repeat((bytes - 2) >> 1)}${"x".repeat(bytes % 2)}"`;

  it("keeps the order, and puts as much into each as the API takes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2, max: 1_400_000 }), { maxLength: 60 }),
        fc.nat({ max: 250 }),
        (sizes, small) => {
          const texts = [...sizes.map(ofBytes), ...Array<string>(small).fill("0")];
          const parts = splitIntoBatches(texts);
          expect(parts.flat()).toEqual(texts);
          for (const [n, part] of parts.entries()) {
            expect(part.length).toBeGreaterThan(0);
            expect(part.length).toBeLessThanOrEqual(100);
            expect(bytesOf(part)).toBeLessThanOrEqual(MAX_BYTES);
            const next = parts[n + 1]?.[0];
            if (next === undefined) continue;
            const isFull = part.length === 100 || bytesOf([...part, next]) > MAX_BYTES;
            expect(isFull).toBe(true);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("fills a batch to the last byte and the last job", () => {
    const rest = MAX_BYTES - bytesOf(["", "0"]);
    expect(splitIntoBatches([ofBytes(rest), "0"])).toHaveLength(1);
    expect(splitIntoBatches([ofBytes(rest), "00"])).toHaveLength(2);
    expect(splitIntoBatches(Array<string>(100).fill("0"))).toHaveLength(1);
    expect(splitIntoBatches(Array<string>(101).fill("0"))).toHaveLength(2);
    expect(splitIntoBatches([])).toEqual([]);
  });

  it("leaves a job that is too large for any batch alone in its own", () => {
    expect(
      splitIntoBatches(["0", ofBytes(MAX_BYTES + 2), "0"]).map(({ length }) => length),
    ).toEqual([1, 1, 1]);
  });
});
