const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Whether a JSON number is not whole and is read as one that is: 2.99999999999999999999 has
 * more digits than a double, and is read as 3. Judged by its text, digit by digit.
 *
 * @param literal any JSON literal
 */
export const isRoundedToWhole = (literal: string): boolean => {
  const match = NUMBER.exec(literal);
  if (!match || !Number.isInteger(Number(literal))) return false;
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const digits = whole + fraction;
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end -= 1;
  // How many of the digits up to the last that is not 0 stand behind the point.
  const behindPoint = end - whole.length - Number(exponent);
  return end > 0 && behindPoint > 0;
};
