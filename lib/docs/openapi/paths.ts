import * as z from "zod";
import type { ZodOpenApiPathsObject, ZodOpenApiResponsesObject } from "zod-openapi";
import { health, readiness } from "../../../lambdas/contract/views.ts";
import * as answers from "./answers.ts";
import { anyRequest, include, jobFilter, jobId, keyedRequest, page } from "./parameters.ts";
import { manyJobs, oneJob } from "./requests.ts";
import { bodiless, headers, idempotencyConflict, invalidState, refusalsOf } from "./responses.ts";
import { signingSecrets } from "./signing-secrets.ts";

/** Signed in the cloud; the local runtime asks nobody who they are. */
const signed = { security: [{ sigv4: [] }, {}] };
const open = { security: [] };

const ok = (description: string, schema: z.ZodType, value: object): ZodOpenApiResponsesObject => ({
  200: {
    description,
    headers: headers.ours,
    content: { "application/json": { schema, examples: { typical: { value } } } },
  },
});

const refusalsOfAny = refusalsOf();
const healthy = { ...ok("The process answers.", health, { status: "ok" }), ...refusalsOfAny };
const ready = {
  ...ok("Table, queues and scheduler answer.", readiness, { status: "ready" }),
  ...refusalsOfAny,
};
const ofHead = bodiless(refusalsOfAny);

/** Every call, by path and method. A test holds them to the routes of the topology. */
export const paths: ZodOpenApiPathsObject = {
  "/v1/jobs": {
    post: {
      operationId: "createJob",
      summary: "Accept a job",
      description:
        "With an `Idempotency-Key` the request can be repeated: it is answered by the same job, with its present status. A request that means something else under the same key is refused. Idempotency is judged before the dedupe key.",
      tags: ["Jobs"],
      ...signed,
      requestParams: { header: keyedRequest },
      requestBody: oneJob,
      responses: {
        200: answers.deduplicated,
        201: answers.created,
        409: idempotencyConflict,
        ...refusalsOf(403, 415),
      },
    },
    get: {
      operationId: "listJobs",
      summary: "List a tenant's jobs, newest first",
      description:
        "A page may be short, or empty, while `next_cursor` goes on. A job may be missing for a second after its creation.",
      tags: ["Jobs"],
      ...signed,
      requestParams: { header: anyRequest, query: jobFilter },
      responses: { 200: answers.jobs, ...refusalsOf(403) },
    },
  },
  "/v1/jobs/batch": {
    post: {
      operationId: "createJobs",
      summary: "Accept up to a hundred jobs, each on its own",
      description:
        "With an `Idempotency-Key` each place in the batch owns a key that is derived from it. The jobs see each other's dedupe keys in the order sent.",
      tags: ["Jobs"],
      ...signed,
      requestParams: { header: keyedRequest },
      requestBody: manyJobs,
      responses: { 207: answers.batch, ...refusalsOf(403, 415) },
    },
  },
  "/v1/jobs/{id}": {
    get: {
      operationId: "getJob",
      summary: "Show a job",
      tags: ["Jobs"],
      ...signed,
      requestParams: { header: anyRequest, path: jobId, query: include },
      responses: { 200: answers.job, ...refusalsOf(403, 404) },
    },
  },
  "/v1/jobs/{id}/attempts": {
    get: {
      operationId: "listAttempts",
      summary: "List a job's attempts, first to last",
      tags: ["Jobs"],
      ...signed,
      requestParams: { header: anyRequest, path: jobId, query: page },
      responses: { 200: answers.attempts, ...refusalsOf(403, 404) },
    },
  },
  "/v1/jobs/{id}/cancel": {
    post: {
      operationId: "cancelJob",
      summary: "Cancel a job that waits",
      description: "From `pending`, `scheduled` and `queued`; a cancelled job stays cancelled.",
      tags: ["Jobs"],
      ...signed,
      requestParams: { header: anyRequest, path: jobId },
      responses: { 200: answers.cancelled, 409: invalidState, ...refusalsOf(403, 404) },
    },
  },
  "/v1/jobs/{id}/retry": {
    post: {
      operationId: "retryJob",
      summary: "Begin a failed job anew",
      description:
        "From `failed` and `dlq`. With an `Idempotency-Key` a lost answer can be asked for again.",
      tags: ["Jobs"],
      ...signed,
      requestParams: { header: keyedRequest, path: jobId },
      responses: { 200: answers.retried, 409: invalidState, ...refusalsOf(403, 404) },
    },
  },
  "/v1/signing-secrets": signingSecrets,
  "/healthz": {
    get: {
      operationId: "getHealth",
      summary: "Does the process answer?",
      tags: ["System"],
      ...open,
      requestParams: { header: anyRequest },
      responses: healthy,
    },
    head: {
      operationId: "headHealth",
      summary: "Does the process answer?",
      tags: ["System"],
      ...open,
      requestParams: { header: anyRequest },
      responses: {
        200: { description: "The process answers.", headers: headers.ours },
        ...ofHead,
      },
    },
  },
  "/readyz": {
    get: {
      operationId: "getReadiness",
      summary: "Can it do its work?",
      tags: ["System"],
      ...open,
      requestParams: { header: anyRequest },
      responses: ready,
    },
    head: {
      operationId: "headReadiness",
      summary: "Can it do its work?",
      tags: ["System"],
      ...open,
      requestParams: { header: anyRequest },
      responses: {
        200: { description: "Table, queues and scheduler answer.", headers: headers.ours },
        ...ofHead,
      },
    },
  },
  "/openapi.json": {
    get: {
      operationId: "getDescription",
      summary: "This description",
      tags: ["System"],
      ...open,
      requestParams: { header: anyRequest },
      responses: {
        ...ok(
          "This description.",
          z.looseObject({ openapi: z.string().meta({ pattern: "^3[.]1[.]" }) }),
          { openapi: "3.1.1" },
        ),
        ...refusalsOfAny,
      },
    },
  },
};
