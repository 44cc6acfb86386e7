import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRfc3339 } from "../../../../lambdas/core/rules/rfc3339.ts";

const at = (iso: string): number => new Date(iso).getTime();

describe("an RFC 3339 time", () => {
  it.each([
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"],
    ["2026-02-02T12:00:00Z", "2026-02-02T12:00:00.000Z"],
    ["2026-02-02t12:00:00z", "2026-02-02T12:00:00.000Z"],
    ["2026-02-02T12:00:00+05:30", "2026-02-02T06:30:00.000Z"],
    ["2026-02-02T12:00:00-08:00", "2026-02-02T20:00:00.000Z"],
    ["2026-02-02T12:00:00-00:00", "2026-02-02T12:00:00.000Z"],
    ["2026-02-02T00:30:00+01:00", "2026-02-01T23:30:00.000Z"],
    ["2026-12-31T23:59:00-23:59", "2027-01-01T23:58:00.000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["0099-12-31T00:00:00Z", "0099-12-31T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("is read: %s", (text, instant) => {
    expect(parseRfc3339(text)).toBe(at(instant));
  });

  it.each([
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
    ["2017-01-01T05:29:60+05:30", "2017-01-01T00:00:00.000Z"],
    ["2026-02-02T12:30:60.5Z", "2026-02-02T12:31:00.500Z"],
  ])("reads second 60 as the next second: %s", (text, instant) => {
    expect(parseRfc3339(text)).toBe(at(instant));
  });

  it.each([
    ["2026-02-02T12:00:00.5Z", ".500"],
    ["2026-02-02T12:00:00.05Z", ".050"],
    ["2026-02-02T12:00:00.123Z", ".123"],
    ["2026-02-02T12:00:00.123000000Z", ".123"],
    ["2026-02-02T12:00:00.0009Z", ".001"],
    ["2026-02-02T12:00:00.000000001Z", ".001"],
    ["2026-02-02T12:00:00.123456789Z", ".124"],
    ["2026-02-02T12:00:00.1230000000000000000000000001Z", ".124"],
  ])("rounds what is finer than a millisecond up: %s", (text, fraction) => {
    expect(parseRfc3339(text)).toBe(at(`2026-02-02T12:00:00${fraction}Z`));
  });

  it("rounds up into the next second, and also before 1970", () => {
    expect(parseRfc3339("2026-02-02T12:00:00.9991Z")).toBe(at("2026-02-02T12:00:01.000Z"));
    expect(parseRfc3339("1969-12-31T23:59:59.9991Z")).toBe(0);
    expect(parseRfc3339("1969-12-31T23:59:59.0001Z")).toBe(-999);
  });

  it.each([
    ["30 February", "2026-02-30T00:00:00Z"],
    ["29 February of a common year", "2026-02-29T00:00:00Z"],
    ["29 February of a common century", "1900-02-29T00:00:00Z"],
    ["31 April", "2026-04-31T00:00:00Z"],
    ["day 0", "2026-04-00T00:00:00Z"],
    ["month 0", "2026-00-01T00:00:00Z"],
    ["month 13", "2026-13-01T00:00:00Z"],
    ["hour 24", "2026-02-02T24:00:00Z"],
    ["minute 60", "2026-02-02T12:60:00Z"],
    ["second 61", "2026-02-02T12:00:61Z"],
    ["no offset", "2026-02-02T12:00:00"],
    ["offset of 24 hours", "2026-02-02T12:00:00+24:00"],
    ["offset of 60 minutes", "2026-02-02T12:00:00+01:60"],
    ["offset without a colon", "2026-02-02T12:00:00+0100"],
    ["offset of hours alone", "2026-02-02T12:00:00+01"],
    ["a blank for T", "2026-02-02 12:00:00Z"],
    ["a date alone", "2026-02-02"],
    ["no seconds", "2026-02-02T12:00Z"],
    ["a fraction without digits", "2026-02-02T12:00:00.Z"],
    ["a comma", "2026-02-02T12:00:00,5Z"],
    ["one digit", "2026-2-2T12:00:00Z"],
    ["five digits of year", "+12026-02-02T12:00:00Z"],
    ["a negative year", "-0001-02-02T12:00:00Z"],
    ["blanks around it", " 2026-02-02T12:00:00Z "],
    ["a line end", "2026-02-02T12:00:00Z\n"],
    ["other digits", "２０２６-02-02T12:00:00Z"],
    ["a named zone", "2026-02-02T12:00:00[Europe/Berlin]"],
    ["a number of milliseconds", "1770033600000"],
    ["nothing", ""],
  ])("is refused with %s", (_fault, text) => {
    expect(parseRfc3339(text)).toBeUndefined();
  });

  it("is read back as the instant that it was printed from, with any offset", () => {
    const instant = fc.integer({
      min: at("0002-01-01T00:00:00Z"),
      max: at("9998-12-31T00:00:00Z"),
    });
    fc.assert(
      fc.property(instant, fc.integer({ min: -1_439, max: 1_439 }), (ms, offsetMinutes) => {
        const local = new Date(ms + offsetMinutes * 60_000).toISOString().slice(0, -1);
        const [hours, minutes] = [Math.abs(offsetMinutes) / 60, Math.abs(offsetMinutes) % 60];
        const two = (part: number) => String(Math.floor(part)).padStart(2, "0");
        const sign = offsetMinutes < 0 ? "-" : "+";
        expect(parseRfc3339(`${local}${sign}${two(hours)}:${two(minutes)}`)).toBe(ms);
      }),
    );
  });

  it("never is earlier than what was written, and at most a millisecond later", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{1,12}$/), (digits) => {
        const exactMs = Number(`0.${digits}`) * 1_000;
        const ms = parseRfc3339(`1970-01-01T00:00:00.${digits}Z`) ?? NaN;
        expect(ms).toBeGreaterThanOrEqual(exactMs - 1e-9);
        expect(ms).toBeLessThan(exactMs + 1);
      }),
    );
  });

  it("never throws, whatever the text", () => {
    const oddTime = fc.stringMatching(
      /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), oddTime), (text) => {
        const ms = parseRfc3339(text);
        expect(ms === undefined || Number.isSafeInteger(ms)).toBe(true);
      }),
    );
  });
});
