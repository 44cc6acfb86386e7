import * as z from "zod";
import { problemCodes } from "../core/errors.ts";
import type { ProblemCode } from "../core/errors.ts";
import { jobStatuses } from "./job-status.ts";

/**
 * What callers are shown. Functions import the types alone, which the compiler holds their answers
 * to, so nothing of this is in a bundle; the API's description is printed from the schemas.
 */

const id = z.string().meta({
  description: "Opaque.",
  pattern: "^job_",
  examples: ["job_01K8YV3W5XN5T0Y2M1Q7R9S4AB"],
});

const time = z.string().meta({
  format: "date-time",
  pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$",
});

export const jobStatus = z.enum(jobStatuses).meta({
  id: "JobStatus",
  description:
    "`failed` is for what no retry can mend, `dlq` for attempts that are used up. `pending` is reserved.",
});

export const acceptedJob = z
  .object({ id, status: jobStatus })
  .meta({ id: "AcceptedJob", description: "The job, and where it stands now." });

export const deduplicatedJob = z
  .object({ id, status: jobStatus, deduplicated: z.literal(true) })
  .meta({ id: "DeduplicatedJob", description: "The job that holds the dedupe key." });

export const cancelledJob = z
  .object({ id, status: z.literal("cancelled") })
  .meta({ id: "CancelledJob" });

export const retriedJob = z.object({ id, status: z.literal("queued") }).meta({ id: "RetriedJob" });

const destination = z.object({
  url: z.string().meta({ description: "As it was sent." }),
  method: z.enum(["POST", "PUT", "PATCH", "GET", "DELETE"]),
});

export const job = z
  .object({
    id,
    tenant_id: z.string(),
    type: z.string(),
    status: jobStatus,
    priority: z.enum(["high", "normal", "low"]),
    created_at: time,
    updated_at: time,
    execute_at: time.nullable().meta({ description: "As asked for." }),
    next_attempt_at: time
      .nullable()
      .meta({ description: "The earliest next attempt of a job that waits." }),
    attempts: z.int().min(0).meta({ description: "Of the present sequence." }),
    max_attempts: z.int().min(1).max(50),
    last_error: z.string().nullable().meta({ description: "The last attempt's `error`." }),
    destination,
    dedupe_key: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
  })
  .meta({ id: "Job", description: "What does not apply is null, never missing." });

export const jobWithContent = job
  .extend({
    destination: destination.extend({
      headers: z.record(z.string(), z.string()).meta({
        description:
          "As they were sent; `***` for values that are secret by their name (`authorization`, `cookie`, or one that holds `auth`, `token`, `secret`, `key`, `password` or `signature`).",
      }),
    }),
    payload: z
      .unknown()
      .optional()
      .meta({ description: "Byte for byte as it was sent; missing if none was." }),
  })
  .meta({ id: "JobWithContent", description: "The job with its payload and its headers." });

export const jobOrWithContent = z.union([job, jobWithContent]);

const ATTEMPT_ERRORS = [
  "timeout",
  "dns",
  "connect",
  "tls",
  "reset",
  "protocol",
  "http_status",
  "forbidden_destination",
  "outcome_unknown",
];

export const attempt = z
  .object({
    n: z.int().min(1).meta({ description: "Goes on counting over manual retries." }),
    started_at: time,
    finished_at: time,
    duration_ms: z.int().min(0),
    status: z.enum(["success", "failed"]),
    http_status: z.int().min(100).max(999).nullable(),
    error: z
      .string()
      .nullable()
      .meta({
        description: `\`code: text\`; the code is one of ${ATTEMPT_ERRORS.map((code) => `\`${code}\``).join(", ")}.`,
        pattern: `^(${ATTEMPT_ERRORS.join("|")}): `,
      }),
    response_excerpt: z
      .string()
      .nullable()
      .meta({ description: "Of a failed attempt: the beginning of what the destination said." }),
  })
  .meta({ id: "Attempt" });

const nextCursor = z
  .string()
  .nullable()
  .meta({ description: "The `cursor` of the next page, or null at the end." });

export const jobPage = z
  .object({ items: z.array(job), next_cursor: nextCursor })
  .meta({ id: "JobPage", description: "May be short while `next_cursor` goes on." });

export const attemptPage = z
  .object({ items: z.array(attempt), next_cursor: nextCursor })
  .meta({ id: "AttemptPage" });

const secretId = z.string().meta({
  description: "Opaque.",
  pattern: "^sec_",
  examples: ["sec_3M8XQ2V7C1D9K5R0T4W6Y8Z1BE"],
});

export const putSecret = z
  .object({
    id: secretId,
    secret: z.string().meta({
      description: "For the receiver. No other answer shows it.",
      pattern: "^whsec_[A-Za-z0-9+/]+={0,2}$",
    }),
    created_at: time,
  })
  .meta({ id: "PutSigningSecret" });

export const secretList = z
  .object({
    items: z.array(
      z
        .object({
          id: secretId,
          created_at: time,
          hint: z.string().meta({ description: "How it ends.", pattern: "^whsec_….{4}$" }),
        })
        .meta({ id: "SigningSecret" }),
    ),
  })
  .meta({ id: "SigningSecretList", description: "All there are, newest first: ten at most." });

export const deletedSecret = z
  .object({ id: z.string(), deleted: z.literal(true) })
  .meta({ id: "DeletedSigningSecret" });

const detail = z.string();

const mistake = z
  .union([
    z.object({
      pointer: z.string().meta({
        description: "RFC 6901, without `#`: where in the body. In a batch relative to the item.",
      }),
      detail,
    }),
    z.object({ header: z.string(), detail }),
    z.object({ parameter: z.string(), detail }),
  ])
  .meta({ id: "Mistake", description: "One mistake of the request, and where it stands." });

export const problem = z
  .object({
    type: z.string().meta({ format: "uri", description: "The code's heading in docs/errors.md." }),
    title: z.string().meta({ description: "The same for every problem of a code." }),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z
      .enum(Object.keys(problemCodes) as ProblemCode[])
      .meta({ id: "ProblemCode", description: "What a program should tell problems apart by." }),
    request_id: z.string(),
    errors: z.array(mistake).meta({ description: "Every mistake of the request at once." }),
  })
  .meta({ id: "Problem", description: "RFC 9457, with members of ours." });

export const batchAnswer = z
  .object({
    items: z
      .array(
        z.union([
          z
            .object({
              status: z.literal([201, 200]).meta({
                description: "As of a single post: 201 accepted, 200 held by a dedupe key.",
              }),
              id,
              job_status: jobStatus,
              deduplicated: z.boolean(),
              replayed: z.boolean(),
            })
            .meta({ id: "AcceptedItem" }),
          z
            .object({ status: z.int().min(400).max(599), error: problem })
            .meta({ id: "RefusedItem" }),
        ]),
      )
      .meta({ description: "In the order sent." }),
  })
  .meta({ id: "BatchAnswer" });

export const health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });
export const readiness = z.object({ status: z.literal("ready") }).meta({ id: "Readiness" });

export type JobView = z.output<typeof job>;
export type JobWithContentView = z.output<typeof jobWithContent>;
export type AttemptView = z.output<typeof attempt>;
export type AcceptedView = z.output<typeof acceptedJob> | z.output<typeof deduplicatedJob>;
export type CancelledView = z.output<typeof cancelledJob>;
export type RetriedView = z.output<typeof retriedJob>;
export type JobPageView = z.output<typeof jobPage>;
export type AttemptPageView = z.output<typeof attemptPage>;
export type BatchView = z.output<typeof batchAnswer>;
export type PutSecretView = z.output<typeof putSecret>;
export type SecretListView = z.output<typeof secretList>;
export type DeletedSecretView = z.output<typeof deletedSecret>;
export type ProblemView = z.output<typeof problem>;
export type HealthView = z.output<typeof health>;
export type ReadinessView = z.output<typeof readiness>;
