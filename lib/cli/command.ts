import type { PulseGate } from "../client/index.ts";

/** What a command may use of the world, so that it can run anywhere. */
export interface Io {
  /** Whole lines. */
  out(text: string): void;
  err(text: string): void;
  readFile(path: string): Promise<Uint8Array>;
  readStdin(): Promise<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** May stand several times. */
  readonly multiple?: boolean;
  /** What stands for its value in the help. */
  readonly value?: string;
  readonly help: string;
}

/** What was typed, checked against the options of the command. */
export interface Input {
  readonly client: PulseGate;
  /** Of a command that takes one, else empty. */
  readonly id: string;
  readonly text: (name: string) => string | undefined;
  readonly texts: (name: string) => readonly string[];
  readonly flag: (name: string) => boolean;
  /** @throws UsageError unless it is a whole number */
  readonly wholeNumber: (name: string) => number | undefined;
  readonly isJson: boolean;
  readonly io: Io;
}

export interface Command {
  readonly summary: string;
  /** What follows the command's name. */
  readonly usage: string;
  /** Whose id it takes, as `a job`. */
  readonly takesIdOf?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples?: readonly string[];
  run(input: Input): Promise<void>;
}

/** Commands on one kind of thing: the first word after `pulsegate`. */
export interface CommandGroup {
  readonly summary: string;
  readonly commands: Readonly<Record<string, Command>>;
}

/** The command line itself is wrong: exit status 2. */
export class UsageError extends Error {}

/** What was typed, as a message names it: a value that is empty would be seen by nobody. */
export const quoted = (typed: string): string => (typed === "" ? '""' : typed);
