import type { JobRequest } from "../client/index.ts";
import { quoted, UsageError } from "./command.ts";
import type { Command, Input } from "./command.ts";
import { readInputFile } from "./file.ts";
import { pairsOf } from "./pair.ts";

const key = {
  "idempotency-key": {
    type: "string",
    value: "<key>",
    help: "makes the command repeatable: the same job every time (a new key)",
  },
} as const;

/** What makes up a job; with `--file`, which holds a whole one, none of them may stand. */
const jobOptions = {
  tenant: { type: "string", value: "<id>", help: "whose job it is" },
  to: { type: "string", value: "<url>", help: "the destination" },
  type: { type: "string", value: "<type>", help: "what kind of job (webhook.dispatch)" },
  payload: { type: "string", value: "<json>", help: "delivered byte for byte as written" },
  "payload-file": { type: "string", value: "<path>", help: "the same from a file; - is stdin" },
  method: { type: "string", value: "<method>", help: "POST, PUT, PATCH, GET or DELETE (POST)" },
  header: {
    type: "string",
    multiple: true,
    value: "'<name>: <value>'",
    help: "sent to the destination; may be repeated",
  },
  "timeout-ms": { type: "string", value: "<ms>", help: "for one attempt (10000)" },
  "execute-at": { type: "string", value: "<time>", help: "not before, as 2026-02-02T12:00:00Z" },
  "dedupe-key": { type: "string", value: "<key>", help: "one job with this key an hour" },
  priority: { type: "string", value: "<priority>", help: "high, normal or low (normal)" },
  "max-attempts": { type: "string", value: "<n>", help: "1 to 50 (8)" },
  "schedule-ms": { type: "string", value: "<ms,ms,…>", help: "the delays between attempts" },
  "base-delay-ms": { type: "string", value: "<ms>", help: "or the first delay, which doubles" },
  "max-delay-ms": { type: "string", value: "<ms>", help: "and the longest" },
  metadata: {
    type: "string",
    multiple: true,
    value: "<name>=<value>",
    help: "kept with the job; may be repeated",
  },
} as const;

export const create: Command = {
  summary: "has a job accepted",
  usage: "(--tenant <id> --to <url> [options] | --file <path>)",
  options: {
    ...jobOptions,
    file: {
      type: "string",
      value: "<path>",
      help: "a whole job as JSON, sent as it is; - is stdin",
    },
    ...key,
  },
  examples: [
    `--tenant demo --to http://127.0.0.1:9000/hook --payload '{"order_id":42}'`,
    "--file job.json --json",
  ],
  async run(input) {
    const file = input.text("file");
    const body = file === undefined ? await jobOfFlags(input) : await jobOfFile(input, file);
    const job = await input.client.createJob(body, {
      idempotencyKey: input.text("idempotency-key"),
    });
    const { id, status, deduplicated, replayed } = job;
    const notes = `${deduplicated ? " (an earlier job with this dedupe key)" : ""}${
      replayed ? " (accepted before with this idempotency key)" : ""
    }`;
    input.io.out(input.isJson ? JSON.stringify(job) : `${id} ${status}${notes}`);
  },
};

const jobOfFile = (input: Input, file: string): Promise<Uint8Array> => {
  const others = Object.keys(jobOptions).filter(
    (name) => input.text(name) !== undefined || input.texts(name).length > 0,
  );
  if (others.length > 0) {
    throw new UsageError(`--file holds the whole job: leave out --${others.join(", --")}`);
  }
  return readInputFile(input.io, file);
};

const jobOfFlags = async (input: Input): Promise<string> => {
  const tenant_id = input.text("tenant");
  const url = input.text("to");
  if (tenant_id === undefined || url === undefined) {
    throw new UsageError("needs --tenant and --to, or --file");
  }
  const retry = {
    max_attempts: input.wholeNumber("max-attempts"),
    schedule_ms: delaysOf(input.text("schedule-ms")),
    base_delay_ms: input.wholeNumber("base-delay-ms"),
    max_delay_ms: input.wholeNumber("max-delay-ms"),
  };
  const job = {
    tenant_id,
    type: input.text("type") ?? "webhook.dispatch",
    destination: {
      url,
      // Which of them there are is for the API to say.
      method: input.text("method") as JobRequest["destination"]["method"],
      headers: pairsOf("header", input.texts("header"), ":"),
      timeout_ms: input.wholeNumber("timeout-ms"),
    },
    execute_at: input.text("execute-at"),
    dedupe_key: input.text("dedupe-key"),
    priority: input.text("priority") as JobRequest["priority"],
    retry: Object.values(retry).every((value) => value === undefined) ? undefined : retry,
    metadata: pairsOf("metadata", input.texts("metadata"), "="),
  } satisfies JobRequest;
  const text = JSON.stringify(job);
  const payload = await payloadOf(input);
  return payload === undefined ? text : `${text.slice(0, -1)},"payload":${payload}}`;
};

/** Checked, since it is put into the job's text as it is: it must not end the object around it. */
const payloadOf = async (input: Input): Promise<string | undefined> => {
  const typed = input.text("payload");
  const file = input.text("payload-file");
  if (typed !== undefined && file !== undefined) {
    throw new UsageError("needs either --payload or --payload-file");
  }
  try {
    const text =
      file === undefined
        ? typed
        : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
            await readInputFile(input.io, file),
          );
    if (text !== undefined) JSON.parse(text);
    return text;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the payload is not JSON: ${error instanceof Error ? error.message : ""}`);
  }
};

const delaysOf = (text: string | undefined): readonly number[] | undefined =>
  text?.split(",").map((delay) => {
    if (/^\d{1,15}$/.test(delay.trim())) return Number(delay);
    throw new UsageError(
      `--schedule-ms must be whole numbers with commas between, not ${quoted(text)}`,
    );
  });
