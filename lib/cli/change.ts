import type { Command } from "./command.ts";

/** The commands that change a job. */

export const cancel: Command = {
  summary: "cancels a job that has not begun",
  usage: "<id> [options]",
  takesIdOf: "a job",
  options: {},
  async run({ client, id, isJson, io }) {
    const job = await client.cancelJob(id);
    io.out(isJson ? JSON.stringify(job) : `${job.id} ${job.status}`);
  },
};

export const retry: Command = {
  summary: "begins a job anew that failed or is a dead letter",
  usage: "<id> [options]",
  takesIdOf: "a job",
  options: {
    "idempotency-key": {
      type: "string",
      value: "<key>",
      help: "makes the command repeatable: it retries once (a new key)",
    },
  },
  async run({ client, id, text, isJson, io }) {
    const job = await client.retryJob(id, { idempotencyKey: text("idempotency-key") });
    const note = job.replayed ? " (retried before with this idempotency key)" : "";
    io.out(isJson ? JSON.stringify(job) : `${job.id} ${job.status}${note}`);
  },
};
