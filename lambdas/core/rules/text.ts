/** Lengths in the API count code points: an emoji is one character. */
export const codePointLength = (text: string): number => Array.from(text).length;
