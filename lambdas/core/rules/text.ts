/** As much of a text as fits into so many bytes of UTF-8, whole characters only. */
export const cutToBytes = (text: string, maxBytes: number): string => {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= maxBytes) return text;
  return new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(bytes.subarray(0, maxBytes), { stream: true })
    .trimEnd();
};

/** Lengths in the API count code points: an emoji is one character. */
export const codePointLength = (text: string): number => Array.from(text).length;
