import { parseArgs } from "node:util";
import { PulseGate } from "../client/index.ts";
import type { PulseGateOptions } from "../client/index.ts";
import { quoted, UsageError } from "./command.ts";
import type { Command, Input, Io, OptionSpec } from "./command.ts";
import { pairsOf } from "./pair.ts";

const DEFAULT_URL = "http://127.0.0.1:8080";

/** Those that every command has. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  url: {
    type: "string",
    value: "<url>",
    help: `where the API is (else PULSEGATE_URL, else ${DEFAULT_URL})`,
  },
  "api-header": {
    type: "string",
    multiple: true,
    value: "'<name>: <value>'",
    help: "sent to the API with each request; may be repeated",
  },
  retries: {
    type: "string",
    value: "<n>",
    help: "how often a call is repeated that found no answer, 429 or 5xx (4)",
  },
  json: { type: "boolean", help: "for scripts: JSON, a line for each item of a list" },
  help: { type: "boolean", help: "shows this" },
};

/** @throws UsageError */
export const readInput = (command: Command, args: readonly string[], io: Io): Input => {
  const options = { ...command.options, ...commonOptions };
  const { values, positionals } = parseStrictly(args, options);
  const [id = "", ...more] = positionals;
  if (command.takesIdOf && positionals.length === 0) {
    throw new UsageError(`${command.takesIdOf}'s id is missing`);
  }
  const unexpected = command.takesIdOf ? more : positionals;
  if (unexpected.length > 0) throw new UsageError(`unexpected: ${unexpected.join(" ")}`);

  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const texts = (name: string) => {
    const value = values[name];
    return Array.isArray(value) ? value.map(String) : [];
  };
  const wholeNumber = (name: string) => {
    const value = text(name);
    if (value === undefined || /^\d{1,15}$/.test(value)) {
      return value === undefined ? undefined : Number(value);
    }
    throw new UsageError(`--${name} must be a whole number, not ${quoted(value)}`);
  };
  return {
    client: clientAt(text("url") ?? (io.env["PULSEGATE_URL"] || DEFAULT_URL), {
      headers: pairsOf("api-header", texts("api-header"), ":"),
      retries: wholeNumber("retries"),
    }),
    id,
    text,
    texts,
    flag: (name) => values[name] === true,
    wholeNumber,
    isJson: values["json"] === true,
    io,
  };
};

const parseStrictly = (args: readonly string[], options: Readonly<Record<string, OptionSpec>>) => {
  const specs = Object.entries(options).map(
    ([name, { type, multiple = false }]) => [name, { type, multiple }] as const,
  );
  try {
    const parsed = parseArgs({
      args: [...args],
      options: Object.fromEntries(specs),
      allowPositionals: true,
      tokens: true,
    });
    const seen = new Set<string>();
    for (const token of parsed.tokens) {
      if (token.kind !== "option") continue;
      // The last one would win, silently.
      const isTwice = seen.has(token.name) && options[token.name]?.multiple !== true;
      if (isTwice) throw new UsageError(`--${token.name} stands twice`);
      seen.add(token.name);
    }
    return parsed;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

const clientAt = (
  baseUrl: string,
  options: Pick<PulseGateOptions, "headers" | "retries">,
): PulseGate => {
  try {
    return new PulseGate({ baseUrl, ...options });
  } catch {
    throw new UsageError(`--url must be an http:// or https:// address, not ${quoted(baseUrl)}`);
  }
};
