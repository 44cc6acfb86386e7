const MAX_CODE_POINTS = 256;
const MAX_BYTES = 1_024;

/**
 * What is kept of a failed attempt's response: at most 256 code points, bytes that are no UTF-8
 * replaced, control characters escaped, at most 1 KB after that.
 */
export const excerptOf = (body: Uint8Array): string => {
  // Four bytes are the longest character: no need to decode more than could be kept.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
    body.subarray(0, 4 * MAX_CODE_POINTS + 4),
  );
  let excerpt = "";
  let bytes = 0;
  let codePoints = 0;
  for (const character of text) {
    const shown = escapeControl(character);
    bytes += Buffer.byteLength(shown);
    codePoints += 1;
    if (bytes > MAX_BYTES || codePoints > MAX_CODE_POINTS) break;
    excerpt += shown;
  }
  return excerpt;
};

const escapeControl = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
  return isControl ? `\\u${code.toString(16).padStart(4, "0")}` : character;
};
