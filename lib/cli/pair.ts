import { quoted, UsageError } from "./command.ts";

/** @throws UsageError for a name that stands twice, of which the last would win, silently */
export const pairsOf = (
  option: string,
  texts: readonly string[],
  separator: ":" | "=",
): Readonly<Record<string, string>> | undefined => {
  const pairs = texts.map((text) => pairOf(option, text, separator));
  const names = new Set<string>();
  for (const [name] of pairs) {
    if (names.has(name)) throw new UsageError(`--${option} ${name} stands twice`);
    names.add(name);
  }
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
};

/** `name: value` or `name=value`, as an option's value. */
const pairOf = (
  option: string,
  text: string,
  separator: ":" | "=",
): readonly [name: string, value: string] => {
  const at = text.indexOf(separator);
  if (at <= 0)
    throw new UsageError(`--${option} must be <name>${separator}<value>, not ${quoted(text)}`);
  const value = text.slice(at + 1);
  return [text.slice(0, at).trim(), separator === ":" ? value.trim() : value];
};
