import type { AttemptView, JobStatus, JobView, Paged } from "../client/index.ts";
import { UsageError } from "./command.ts";
import type { Command, Input } from "./command.ts";
import { fieldLines, makeTable } from "./print.ts";

/** The commands that show something. */

export const get: Command = {
  summary: "shows a job",
  usage: "<id> [options]",
  takesIdOf: "a job",
  options: {
    payload: { type: "boolean", help: "with its payload and headers, as JSON" },
  },
  async run({ client, id, flag, isJson, io }) {
    // As the API wrote it: printed anew, long numbers in the payload would be rounded.
    if (flag("payload")) return io.out(await client.getJobText(id));
    const job = await client.getJob(id);
    io.out(isJson ? JSON.stringify(job) : fieldLines(fieldsOf(job)));
  },
};

const fieldsOf = ({ destination, attempts, max_attempts, metadata, ...job }: JobView) => ({
  ...job,
  attempts: `${attempts} of ${max_attempts}`,
  destination: `${destination.method} ${destination.url}`,
  metadata: Object.entries(metadata)
    .map(([name, value]) => `${name}=${value}`)
    .join(" "),
});

const DEFAULT_LIMIT = 50;
const MAX_PAGE = 100;

export const list: Command = {
  summary: "lists a tenant's jobs, newest first",
  usage: "--tenant <id> [options]",
  options: {
    tenant: { type: "string", value: "<id>", help: "whose jobs" },
    status: { type: "string", value: "<status>", help: "only these, as queued, failed or dlq" },
    type: { type: "string", value: "<type>", help: "only these" },
    limit: { type: "string", value: "<n>", help: `at most so many (${DEFAULT_LIMIT})` },
    all: { type: "boolean", help: "every one" },
  },
  examples: ["--tenant demo --status dlq --all --json"],
  async run(input) {
    const tenant_id = input.text("tenant");
    if (tenant_id === undefined) throw new UsageError("needs --tenant");
    const given = input.wholeNumber("limit");
    if (given === 0) throw new UsageError("--limit must be at least 1");
    if (given !== undefined && input.flag("all")) {
      throw new UsageError("needs either --limit or --all");
    }
    const limit = input.flag("all") ? Infinity : (given ?? DEFAULT_LIMIT);
    const jobs = input.client.listJobs(
      {
        tenant_id,
        status: input.text("status") as JobStatus | undefined,
        type: input.text("type"),
      },
      { limit: Math.min(limit, MAX_PAGE) },
    );
    const table = makeTable<JobView>({
      ID: ({ id }) => id,
      STATUS: ({ status }) => status,
      ATTEMPTS: ({ attempts, max_attempts }) => `${attempts}/${max_attempts}`,
      CREATED: ({ created_at }) => created_at,
      TYPE: ({ type }) => type,
      "LAST ERROR": ({ last_error }) => last_error,
    });
    await show(input, jobs, limit, table);
  },
};

export const attempts: Command = {
  summary: "lists every attempt of a job, in order",
  usage: "<id> [options]",
  takesIdOf: "a job",
  options: {},
  async run(input) {
    const table = makeTable<AttemptView>({
      N: ({ n }) => String(n),
      STATUS: ({ status }) => status,
      HTTP: ({ http_status }) => http_status,
      STARTED: ({ started_at }) => started_at,
      MS: ({ duration_ms }) => duration_ms,
      ERROR: ({ error }) => error,
      ANSWER: ({ response_excerpt }) => response_excerpt,
    });
    await show(input, input.client.attempts(input.id, { limit: MAX_PAGE }), Infinity, table);
  },
};

const show = async <T>(
  { isJson, io }: Input,
  items: Paged<T>,
  limit: number,
  table: (rows: readonly T[]) => string,
): Promise<void> => {
  let left = limit;
  let isNone = true;
  for await (const page of items.pages()) {
    const shown = page.items.slice(0, left);
    left -= shown.length;
    if (shown.length > 0) {
      isNone = false;
      io.out(isJson ? shown.map((item) => JSON.stringify(item)).join("\n") : table(shown));
    }
    const isMore = shown.length < page.items.length || page.next_cursor !== null;
    if (left > 0 || !isMore) continue;
    if (!isJson) io.err(`the first ${limit}; there may be more: --limit, --all`);
    return;
  }
  if (isNone && !isJson) io.err("none");
};
