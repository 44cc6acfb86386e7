import type { Command, CommandGroup, OptionSpec } from "./command.ts";
import { commonOptions } from "./input.ts";

type Groups = Readonly<Record<string, CommandGroup>>;

export const topHelp = (groups: Groups): string =>
  [
    `Usage: pulsegate ${Object.keys(groups).join("|")} <command> [options]`,
    "",
    "Reliable job and webhook dispatch, from the command line.",
    "",
    ...columns([
      ...Object.entries(groups).map(([name, { summary }]): Row => [name, summary]),
      ["--version", "shows which version this is"],
    ]),
    "",
    "`pulsegate jobs --help` lists the commands on jobs; each has a --help of its own.",
    "",
    ...ofEveryCommand(),
  ].join("\n");

/** Where the API is, and what a script goes by. */
const ofEveryCommand = (): readonly string[] => [
  "Every command has these options:",
  ...columns(optionRows(commonOptions)),
  "",
  "Exit status: 0 done, 1 refused or failed, 2 wrong usage.",
];

export const groupHelp = (group: string, { commands }: CommandGroup): string =>
  [
    `Usage: pulsegate ${group} <command> [options]`,
    "",
    ...columns(Object.entries(commands).map(([name, { summary }]) => [name, summary])),
    "",
    ...ofEveryCommand(),
  ].join("\n");

/** @param name with its group's, as `jobs create` */
export const commandHelp = (name: string, command: Command): string =>
  [
    `Usage: pulsegate ${name} ${command.usage}`,
    "",
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
    "",
    ...columns([...optionRows(command.options), ...optionRows(commonOptions)]),
    ...(command.examples ? ["", "Examples:"] : []),
    ...(command.examples ?? []).map((example) => `  pulsegate ${name} ${example}`),
  ].join("\n");

const optionRows = (options: Readonly<Record<string, OptionSpec>>): readonly Row[] =>
  Object.entries(options).map(([name, { value, help }]) => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  ]);

type Row = readonly [name: string, text: string];

const columns = (rows: readonly Row[]): readonly string[] => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
};
