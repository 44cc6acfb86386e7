/** What a receiver asks for is heard up to a day. */
const MAX_MS = 24 * 3_600_000;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
const MONTH = MONTHS.replaceAll(" ", "|");
const TIME = String.raw`(?<time>\d\d:\d\d:\d\d)`;

/** The three forms of a date that a recipient has to read (RFC 9110, section 5.6.7). */
const DATE_FORMS = [
  String.raw`${DAY}, (?<day>\d\d) (?<month>${MONTH}) (?<year>\d{4}) ${TIME} GMT`,
  String.raw`${LONG_DAY}, (?<day>\d\d)-(?<month>${MONTH})-(?<year>\d\d) ${TIME} GMT`,
  String.raw`${DAY} (?<month>${MONTH}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})`,
].map((form) => new RegExp(`^${form}$`));

/**
 * How long a receiver asks to be left alone by `Retry-After`, in milliseconds from now, a day at
 * most: seconds, or a date in one of three forms. `undefined` for anything else, and for what has
 * passed: then it counts as absent.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export const retryAfterMs = (value: string, nowMs: number): number | undefined => {
  const text = value.replace(/^[ \t]+|[ \t]+$/g, "");
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, MAX_MS);
  const untilMs = dateOf(text, nowMs);
  return untilMs === undefined || untilMs <= nowMs ? undefined : Math.min(untilMs - nowMs, MAX_MS);
};

const dateOf = (text: string, nowMs: number): number | undefined => {
  const parts = DATE_FORMS.map((form) => form.exec(text)?.groups).find(Boolean);
  if (!parts) return undefined;
  const month = MONTHS.split(" ").indexOf(parts["month"] ?? "");
  const day = Number(parts["day"]);
  const [hour = 0, minute = 0, second = 0] = (parts["time"] ?? "").split(":").map(Number);
  const year = yearOf(parts["year"] ?? "", nowMs);
  // A leap second is read as the next second, and a day that does not exist as no date.
  const isTime = hour < 24 && minute < 60 && second <= 60;
  const isDay = new Date(Date.UTC(year, month, day)).getUTCDate() === day;
  return isTime && isDay ? Date.UTC(year, month, day, hour, minute, second) : undefined;
};

/** Two digits that seem to be more than 50 years ahead mean the most recent past year that ends so. */
const yearOf = (digits: string, nowMs: number): number => {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
};
