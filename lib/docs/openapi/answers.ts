import type { ZodOpenApiResponseObject } from "zod-openapi";
import { problemDocument } from "../../../lambdas/contract/problem.ts";
import * as views from "../../../lambdas/contract/views.ts";
import type { AttemptView, BatchView, JobView } from "../../../lambdas/contract/views.ts";
import { Problem } from "../../../lambdas/core/errors.ts";
import { headers } from "./responses.ts";

/** The answers of the jobs' calls that are no refusals, with an example each. */

const id = "job_01K8YV3W5XN5T0Y2M1Q7R9S4AB";

const exampleJob: JobView = {
  id,
  tenant_id: "acme",
  type: "webhook.dispatch",
  status: "success",
  priority: "normal",
  created_at: "2026-11-01T12:00:00.000Z",
  updated_at: "2026-11-01T12:00:00.041Z",
  execute_at: null,
  next_attempt_at: null,
  attempts: 1,
  max_attempts: 8,
  last_error: null,
  destination: { url: "https://receiver.example/hooks/orders", method: "POST" },
  dedupe_key: null,
  metadata: { source: "billing" },
};

const exampleAttempt: AttemptView = {
  n: 1,
  started_at: "2026-11-01T12:00:00.010Z",
  finished_at: "2026-11-01T12:00:00.038Z",
  duration_ms: 28,
  status: "failed",
  http_status: 502,
  error: "http_status: the destination answered 502",
  response_excerpt: "Bad Gateway",
};

const exampleBatch: BatchView = {
  items: [
    { status: 201, id, job_status: "queued", deduplicated: false, replayed: false },
    {
      status: 400,
      error: problemDocument(
        new Problem("invalid_input", "The job is not valid.", {
          mistakes: [{ pointer: "/destination", detail: "is required" }],
        }),
        "3f0c2a5e-6d0b-4a39-9a53-3c8f6f1f2d11",
      ),
    },
  ],
};

const json = (schema: (typeof views)[keyof typeof views], value: object) => ({
  "application/json": { schema, examples: { typical: { value } } },
});

export const created: ZodOpenApiResponseObject = {
  description: "Accepted; from here on the job is not lost. Or accepted before, with this key.",
  headers: headers.created,
  content: json(views.acceptedJob, { id, status: "queued" }),
};

export const deduplicated: ZodOpenApiResponseObject = {
  description: "Another job holds the dedupe key: that one stands for this.",
  headers: headers.maybeReplayed,
  content: json(views.deduplicatedJob, { id, status: "processing", deduplicated: true }),
};

export const batch: ZodOpenApiResponseObject = {
  description: "What became of each job.",
  headers: headers.maybeBusy,
  content: json(views.batchAnswer, exampleBatch),
};

export const job: ZodOpenApiResponseObject = {
  description: "The job.",
  headers: headers.ours,
  content: {
    "application/json": {
      schema: views.jobOrWithContent,
      examples: {
        plain: { value: exampleJob },
        include: {
          summary: "With `include=payload`",
          value: {
            ...exampleJob,
            destination: { ...exampleJob.destination, headers: { authorization: "***" } },
            payload: { order_id: 42, status: "paid" },
          },
        },
      },
    },
  },
};

export const jobs: ZodOpenApiResponseObject = {
  description: "A page of jobs, newest first.",
  headers: headers.ours,
  content: json(views.jobPage, { items: [exampleJob], next_cursor: null }),
};

export const attempts: ZodOpenApiResponseObject = {
  description: "A page of attempts, first to last.",
  headers: headers.ours,
  content: json(views.attemptPage, { items: [exampleAttempt], next_cursor: null }),
};

export const cancelled: ZodOpenApiResponseObject = {
  description: "The job is cancelled: no attempt is started any more.",
  headers: headers.ours,
  content: json(views.cancelledJob, { id, status: "cancelled" }),
};

export const retried: ZodOpenApiResponseObject = {
  description: "A new sequence of attempts begins; the old ones are kept.",
  headers: headers.maybeReplayed,
  content: json(views.retriedJob, { id, status: "queued" }),
};
