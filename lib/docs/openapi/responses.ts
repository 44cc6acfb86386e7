import * as z from "zod";
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from "zod-openapi";
import { problemDocument } from "../../../lambdas/contract/problem.ts";
import { problem } from "../../../lambdas/contract/views.ts";
import { Problem, problemCodes } from "../../../lambdas/core/errors.ts";
import type { Mistake, ProblemCode } from "../../../lambdas/core/errors.ts";

/** The answers of every call: those of its own, and the refusals that it can meet. */

const requestIdText = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/);
const requestIdMeaning = "The request's id: the caller's own, if it was fit for a log.";
const requestId = requestIdText.meta({
  description: requestIdMeaning,
  header: { id: "RequestId" },
});
/** The gateway knows nothing of our ids. */
const maybeRequestId = requestIdText.optional().meta({
  description: `${requestIdMeaning} What the gateway refuses by itself has none.`,
  header: { id: "MaybeRequestId" },
});

const retryAfter = z
  .string()
  .regex(/^[0-9]+$/)
  .optional()
  .meta({
    description:
      "In how many seconds to try again what was answered 429 or 503. Each of ours has it.",
    header: { id: "RetryAfter" },
  });

const replayed = z
  .literal("true")
  .optional()
  .meta({
    description: "The idempotency key had this answer already.",
    header: { id: "IdempotencyReplayed" },
  });

const location = z
  .string()
  .regex(/^\/v1\/jobs\/job_/)
  .meta({ description: "The job's path." });

const allow = z.string().meta({ description: "The methods of this route, by comma." });

export const headers = {
  ours: z.object({ "x-request-id": requestId }),
  created: z.object({
    "x-request-id": requestId,
    Location: location,
    "Idempotency-Replayed": replayed,
  }),
  maybeReplayed: z.object({ "x-request-id": requestId, "Idempotency-Replayed": replayed }),
  maybeBusy: z.object({ "x-request-id": requestId, "Retry-After": retryAfter }),
  ofBoth: z.object({ "x-request-id": maybeRequestId }),
};

/** What API Gateway says by itself, before any function of ours, so without a request id of ours. */
const gatewayError = z
  .object({ message: z.string().nullable() })
  .meta({ id: "GatewayError", description: "What the gateway refuses by itself." });

const gateways = { "application/json": { schema: gatewayError } };

const problemsOf = (...codes: readonly ProblemCode[]) => ({
  "application/problem+json": {
    schema: problem,
    examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
  },
});

const mistakes: Partial<Record<ProblemCode, readonly Mistake[]>> = {
  invalid_input: [
    { pointer: "/destination/url", detail: "must begin with http:// or https://" },
    { pointer: "/retry/max_attempts", detail: "must be a whole number from 1 to 50" },
  ],
  unsupported_media_type: [{ header: "content-type", detail: "must be application/json" }],
  payload_too_large: [{ pointer: "/payload", detail: "is longer than 262144 bytes" }],
};

const exampleOf = (code: ProblemCode) =>
  problemDocument(
    new Problem(code, `${problemCodes[code].title}.`, { mistakes: mistakes[code] ?? [] }),
    "3f0c2a5e-6d0b-4a39-9a53-3c8f6f1f2d11",
  );

const refusals = {
  400: {
    id: "InvalidInput",
    description: "The body, the query or a header breaks a rule. Nothing was accepted.",
    headers: headers.ours,
    content: problemsOf("invalid_input"),
  },
  403: {
    id: "Forbidden",
    description: "The signature is missing or wrong (in the cloud).",
    content: gateways,
  },
  404: {
    id: "NotFound",
    description: "There is no such job, or signing secret.",
    headers: headers.ours,
    content: problemsOf("not_found"),
  },
  413: {
    id: "TooLarge",
    description: "The payload or the body is too large.",
    headers: headers.ofBoth,
    content: { ...problemsOf("payload_too_large"), ...gateways },
  },
  415: {
    id: "UnsupportedMediaType",
    description: "The body is not `application/json` in UTF-8, or is encoded.",
    headers: headers.ours,
    content: problemsOf("unsupported_media_type"),
  },
  429: {
    id: "TooManyRequests",
    description:
      "The gateway's throttle; or, to a job that was posted, its rate limit: its turn would come in over 366 days.",
    headers: z.object({ "x-request-id": maybeRequestId, "Retry-After": retryAfter }),
    content: { ...problemsOf("rate_limited"), ...gateways },
  },
  431: { id: "HeadersTooLarge", description: "The headers are over 10 KB.", content: gateways },
  500: {
    id: "Internal",
    description: "A fault of ours.",
    headers: headers.ofBoth,
    content: { ...problemsOf("internal"), ...gateways },
  },
  503: {
    id: "Unavailable",
    description:
      "Something behind the API does not answer, or the queues are full. What was asked for may have been done all the same: with an `Idempotency-Key` the repeat is safe.",
    headers: z.object({ "x-request-id": maybeRequestId, "Retry-After": retryAfter }),
    content: { ...problemsOf("unavailable"), ...gateways },
  },
} satisfies Record<number, ZodOpenApiResponseObject>;

const conflict = (
  id: string,
  code: ProblemCode,
  description: string,
): ZodOpenApiResponseObject => ({
  id,
  description,
  headers: headers.ours,
  content: problemsOf(code),
});

export const idempotencyConflict = conflict(
  "IdempotencyConflict",
  "idempotency_conflict",
  "The idempotency key belongs to a request with another body.",
);

export const invalidState = conflict(
  "InvalidState",
  "invalid_state",
  "The present state does not allow this; `detail` says why.",
);

export type RefusalStatus = keyof typeof refusals;

const everywhere = [400, 413, 429, 431, 500, 503] as const satisfies readonly RefusalStatus[];

/** The refusals that every call can meet, and these. */
export const refusalsOf = (...more: readonly RefusalStatus[]): ZodOpenApiResponsesObject =>
  Object.fromEntries([...everywhere, ...more].map((status) => [status, refusals[status]]));

/** The same, for a HEAD: no answer to one has a body. */
export const bodiless = (responses: ZodOpenApiResponsesObject): ZodOpenApiResponsesObject =>
  Object.fromEntries(
    Object.entries(responses).map(([status, { id, description, headers }]) => [
      status,
      { id: `${id}Head`, description, ...(headers ? { headers } : {}) },
    ]),
  );

/** What a request is answered that matches no call of this description. */
export const unmatched: Readonly<Record<string, ZodOpenApiResponseObject>> = {
  UnknownRoute: {
    description: "There is no such route.",
    headers: headers.ours,
    content: problemsOf("not_found"),
  },
  MethodNotAllowed: {
    description: "The route has other methods.",
    headers: z.object({ "x-request-id": requestId, Allow: allow }),
    content: problemsOf("method_not_allowed"),
  },
};
