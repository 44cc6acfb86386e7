/** Output for people: aligned, and safe for a terminal whatever a job is called. */

type Cell = string | number | null;

/**
 * Rows under a heading, aligned. Called once for each page: the heading is printed once, and a
 * column never gets narrower.
 */
export const makeTable = <T>(columns: Readonly<Record<string, (row: T) => Cell>>) => {
  const names = Object.keys(columns);
  const widths = names.map((name) => name.length);
  let isFirst = true;
  return (rows: readonly T[]): string => {
    const lines = rows.map((row) => Object.values(columns).map((cellOf) => plain(cellOf(row))));
    if (isFirst) lines.unshift(names);
    isFirst = false;
    for (const line of lines) {
      for (const [n, cell] of line.entries()) widths[n] = Math.max(widths[n] ?? 0, cell.length);
    }
    return lines
      .map((line) =>
        line
          .map((cell, n) => cell.padEnd(widths[n] ?? 0))
          .join("  ")
          .trimEnd(),
      )
      .join("\n");
  };
};

/** A line for each field, its name first. */
export const fieldLines = (fields: Readonly<Record<string, Cell>>): string => {
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  return Object.entries(fields)
    .map(([name, value]) => `${plain(name).padEnd(width)}  ${plain(value)}`.trimEnd())
    .join("\n");
};

/** Control characters could move the cursor or the text; direction marks could turn it round. */
export const plain = (value: Cell): string =>
  value === null || value === ""
    ? "-"
    : String(value).replace(
        /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
        (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
      );
