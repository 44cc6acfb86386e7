import { readFile } from "node:fs/promises";
import { PulseGateError } from "../client/index.ts";
import { cancel, retry } from "./change.ts";
import { UsageError } from "./command.ts";
import type { CommandGroup, Io } from "./command.ts";
import { create } from "./create.ts";
import { commandHelp, groupHelp, topHelp } from "./help.ts";
import { readInput } from "./input.ts";
import { attempts, get, list } from "./read.ts";
import { reportError } from "./report.ts";
import * as secrets from "./secrets.ts";

/** `pulsegate`: the API from the command line, on the client that everybody has. */

const groups: Readonly<Record<string, CommandGroup>> = {
  jobs: {
    summary: "creates, shows, cancels and retries jobs",
    commands: { create, get, list, attempts, cancel, retry },
  },
  secrets: {
    summary: "adds, lists and withdraws what a tenant's webhooks are signed with",
    commands: { put: secrets.put, list: secrets.list, delete: secrets.withdraw },
  },
};

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/** @returns the exit status */
const run = async ([groupName, name, ...args]: readonly string[], io: Io): Promise<number> => {
  const misused = (message: string, help: string): number => {
    io.err(`pulsegate: ${message}\n\n${help}`);
    return WRONG_USAGE;
  };
  const show = (help: string): number => {
    io.out(help);
    return DONE;
  };
  if (isHelp(groupName)) return show(topHelp(groups));
  if (groupName === "--version") return show(await version());
  if (groupName === undefined) return misused("a command is missing", topHelp(groups));
  const group = own(groups, groupName);
  if (!group) return misused(`no such command: ${groupName}`, topHelp(groups));
  if (isHelp(name)) return show(groupHelp(groupName, group));
  if (name === undefined) return misused("a command is missing", groupHelp(groupName, group));
  const command = own(group.commands, name);
  const fullName = `${groupName} ${name}`;
  if (!command) return misused(`no such command: ${fullName}`, groupHelp(groupName, group));
  if (args.some(isHelp)) return show(commandHelp(fullName, command));
  try {
    await command.run(readInput(command, args, io));
    return DONE;
  } catch (error) {
    if (error instanceof UsageError || isInvalidArgument(error)) {
      io.err(`pulsegate ${fullName}: ${error.message}\n(pulsegate ${fullName} --help says more)`);
      return WRONG_USAGE;
    }
    io.err(reportError(error, args.includes("--json")));
    return FAILED;
  }
};

const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** The client would not even send it, such as an id that is none. */
const isInvalidArgument = (error: unknown): error is PulseGateError =>
  error instanceof PulseGateError && error.code === "invalid_argument";

/** The package's: two folders up from here, in the repository and in what is published. */
const version = async (): Promise<string> => {
  const manifest = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
};

const isHelp = (word: string | undefined): boolean => word === "--help" || word === "-h";

/** Runs the command line that this process was started with. */
export const main = async (): Promise<void> => {
  // `pulsegate jobs list --all | head` hangs up when it has seen enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(DONE);
  });
  process.exitCode = await run(process.argv.slice(2), {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    readFile: (path) => readFile(path),
    readStdin: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    env: process.env,
  });
};
