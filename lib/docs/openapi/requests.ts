import * as z from "zod";
import { MAX_BATCH_JOBS } from "../../../lambdas/contract/batch-request.ts";
import { jobSchema } from "../../../lambdas/contract/job-request.ts";
import { parseAllowList } from "../../../lambdas/core/rules/destination-policy.ts";

const jobRequest = jobSchema("webhook.dispatch", { nowMs: 0, allow: parseAllowList("") }).meta({
  id: "JobRequest",
  description:
    'A job. Unknown members are refused by name, null is not "left out", and a key stands once. Lengths count code points, and text is well-formed Unicode without U+0000.',
  // GET goes with no payload.
  dependentSchemas: {
    payload: {
      properties: { destination: { properties: { method: { not: { const: "GET" } } } } },
    },
  },
});

const batchRequest = z.strictObject({ jobs: z.array(jobRequest).min(1).max(MAX_BATCH_JOBS) }).meta({
  id: "BatchRequest",
  description:
    "Each job is accepted or refused on its own: what is wrong with one is told at its place in the answer, and hinders no other.",
});

const url = "https://receiver.example/hooks/orders";

const minimal = {
  tenant_id: "acme",
  type: "webhook.dispatch",
  payload: { order_id: 42, status: "paid" },
  destination: { url },
};

const full = {
  tenant_id: "acme",
  type: "webhook.dispatch",
  payload: { order_id: 42, status: "paid" },
  destination: {
    url,
    method: "PUT",
    headers: { authorization: "Bearer 3e1f", "content-type": "application/json" },
    timeout_ms: 5_000,
  },
  dedupe_key: "order-42-paid",
  execute_at: "2026-12-24T18:00:00+01:00",
  retry: { schedule_ms: [1_000, 60_000, 3_600_000], max_attempts: 10 },
  rate_limit: { rps: 5, burst: 10 },
  priority: "high",
  metadata: { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736", source: "billing" },
};

const doubling = { ...minimal, retry: { base_delay_ms: 500, max_delay_ms: 60_000 } };

export const oneJob = {
  required: true,
  content: {
    "application/json": {
      schema: jobRequest,
      examples: {
        minimal: { value: minimal },
        full: { summary: "With everything that can be said", value: full },
        doubling: { summary: "With delays that double", value: doubling },
      },
    },
  },
};

export const manyJobs = {
  required: true,
  content: {
    "application/json": {
      schema: batchRequest,
      examples: { two: { value: { jobs: [minimal, full] } } },
    },
  },
};
