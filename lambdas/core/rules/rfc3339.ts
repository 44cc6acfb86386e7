const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * An instant in milliseconds, or `undefined` if the text is none. Stricter than `Date`, which turns
 * 30 February into 2 March, and laxer where RFC 3339 is: second 60 is the next second. What is finer
 * than a millisecond rounds up, so that nothing starts before its time.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export const parseRfc3339 = (text: string): number | undefined => {
  const match = RFC_3339.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [fraction = "", sign, offsetHours = "0", offsetMinutes = "0"] = match.slice(7);
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;

  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;

  const wholeMs = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const roundUpMs = /[1-9]/.test(fraction.slice(3)) ? 1 : 0;
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  return (
    date.getTime() +
    ((hour * 60 + minute) * 60 + second) * 1_000 +
    wholeMs +
    roundUpMs -
    (sign === "-" ? -offsetMs : offsetMs)
  );
};
