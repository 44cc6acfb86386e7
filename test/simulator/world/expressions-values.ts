import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { refuse } from "./dynamodb-errors.ts";

/** Values as DynamoDB compares, adds and orders them. */

export type Item = Readonly<Record<string, AttributeValue>>;

const MAX_DIGITS = 38;
const MAX_EXPONENT = 125;
const MIN_EXPONENT = -130;
/** Decimals of so few characters stay apart, and in their order, as doubles. */
const SURELY_EXACT_LENGTH = 15;

/** By bytes of UTF-8: in UTF-16, surrogates would come before U+E000 to U+FFFF. */
export const compareTexts = (a: string, b: string): number => {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [unitA, unitB] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (unitA === unitB) continue;
    if (isSurrogate(unitA) === isSurrogate(unitB)) return unitA < unitB ? -1 : 1;
    // Half of a character from U+10000 on, which is above any whole one.
    return isSurrogate(unitA) ? 1 : -1;
  }
  return a.length < b.length ? -1 : 1;
};

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** Below, equal or above; `undefined` for values of two types, or of one without an order. */
export const compareValues = (a: AttributeValue, b: AttributeValue): number | undefined => {
  if (a.S !== undefined) return b.S === undefined ? undefined : compareTexts(a.S, b.S);
  if (a.N !== undefined) return b.N === undefined ? undefined : compareNumbers(a.N, b.N);
  if (a.B !== undefined) return b.B === undefined ? undefined : Buffer.compare(a.B, b.B);
  return undefined;
};

export const areEqual = (a: AttributeValue, b: AttributeValue): boolean => {
  if (a.S !== undefined) return a.S === b.S;
  if (a.N !== undefined) return b.N !== undefined && compareNumbers(a.N, b.N) === 0;
  if (a.B !== undefined) return b.B !== undefined && Buffer.compare(a.B, b.B) === 0;
  if (a.BOOL !== undefined) return a.BOOL === b.BOOL;
  if (a.NULL !== undefined) return b.NULL !== undefined;
  if (a.L !== undefined) {
    const { L: other } = b;
    return (
      other?.length === a.L.length &&
      a.L.every((value, index) => areEqual(value, other[index] as AttributeValue))
    );
  }
  if (a.M !== undefined) {
    const { M: other } = b;
    if (!other) return false;
    const entries = Object.entries(a.M);
    return (
      entries.length === Object.keys(other).length &&
      entries.every(([name, value]) => {
        const counterpart = other[name];
        return counterpart !== undefined && areEqual(value, counterpart);
      })
    );
  }
  const [ofA, ofB] = [members(a), members(b)];
  return (
    ofA !== undefined &&
    ofA.length === ofB?.length &&
    ofA.every((one) => ofB.some((other) => areEqual(one, other)))
  );
};

/** What is in a set, as values; `undefined` if it is none. */
export const members = ({ SS, NS, BS }: AttributeValue): readonly AttributeValue[] | undefined =>
  SS?.map((S) => ({ S })) ?? NS?.map((N) => ({ N })) ?? BS?.map((B) => ({ B }));

const compareNumbers = (a: string, b: string): number => {
  if (a === b) return 0;
  if (a.length <= SURELY_EXACT_LENGTH && b.length <= SURELY_EXACT_LENGTH) {
    return Math.sign(Number(a) - Number(b));
  }
  const [left, right] = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
};

/** To all 38 digits. */
export const addNumbers = (a: string, b: string, sign: 1 | -1): string => {
  if (a.length <= SURELY_EXACT_LENGTH && b.length <= SURELY_EXACT_LENGTH) {
    const [left, right] = [Number(a), Number(b)];
    if (Number.isInteger(left) && Number.isInteger(right)) {
      const sum = left + sign * right;
      if (Number.isSafeInteger(sum)) return String(sum);
    }
  }
  const [left, right, exponent] = aligned(a, b);
  return printed({ coefficient: left + BigInt(sign) * right, exponent });
};

/** A number as DynamoDB gives it back: no needless zeros, no exponent. */
export const canonicalNumber = (text: string): string =>
  text === "0" || isPlainInteger(text) ? text : printed(parsed(text));

const isPlainInteger = (text: string): boolean => {
  if (text.length === 0 || text.length > MAX_DIGITS || text.startsWith("0")) return false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x30 || unit > 0x39) return false;
  }
  return true;
};

/** A coefficient times a power of ten. */
interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

const parsed = (text: string): Decimal => {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  const [, sign, whole = "", fraction = "", power = "0"] = parts ?? [];
  if (!parts || whole + fraction === "") return refuse(`${text} is no number`);
  const coefficient = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  return { coefficient, exponent: Number(power) - fraction.length };
};

const aligned = (a: string, b: string): [bigint, bigint, number] => {
  const [left, right] = [parsed(a), parsed(b)];
  const exponent = Math.min(left.exponent, right.exponent);
  const at = (decimal: Decimal) => decimal.coefficient * 10n ** BigInt(decimal.exponent - exponent);
  return [at(left), at(right), exponent];
};

const printed = ({ coefficient, exponent }: Decimal): string => {
  if (coefficient === 0n) return "0";
  const isNegative = coefficient < 0n;
  const all = (isNegative ? -coefficient : coefficient).toString();
  const digits = all.replace(/0+$/, "");
  const power = exponent + all.length - digits.length;
  const magnitude = power + digits.length - 1;
  if (digits.length > MAX_DIGITS) return refuse("a number has at most 38 significant digits");
  if (magnitude > MAX_EXPONENT) return refuse("number overflow");
  if (magnitude < MIN_EXPONENT) return refuse("number underflow");
  const unsigned =
    power >= 0
      ? digits + "0".repeat(power)
      : magnitude >= 0
        ? `${digits.slice(0, magnitude + 1)}.${digits.slice(magnitude + 1)}`
        : `0.${"0".repeat(-magnitude - 1)}${digits}`;
  return isNegative ? `-${unsigned}` : unsigned;
};
