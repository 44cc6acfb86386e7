import * as z from "zod";
import { jobType, tenantId } from "../../../lambdas/contract/job-request.ts";
import { jobStatus } from "../../../lambdas/contract/views.ts";

/** What a request carries beside its body. An unknown, repeated or empty query parameter is 400. */

export const jobId = z.object({
  id: z.string().meta({
    description: "The job's id. One of any other form is a job that does not exist.",
    param: { id: "JobId", example: "job_01K8YV3W5XN5T0Y2M1Q7R9S4AB" },
  }),
});

const limit = z
  .int()
  .min(1)
  .max(100)
  .default(50)
  .meta({
    description: "How many items at most; may change from page to page.",
    param: { id: "Limit" },
  });

const cursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]+$/)
  .optional()
  .meta({
    description: "`next_cursor` of the page before; it belongs to its list and its filter.",
    param: { id: "Cursor" },
  });

export const page = z.object({ limit, cursor });

export const jobFilter = z.object({
  tenant_id: tenantId.meta({ description: "Whose jobs." }),
  status: jobStatus.meta({ description: "Only jobs of this status." }).optional(),
  type: jobType.meta({ description: "Only jobs of this type." }).optional(),
  limit,
  cursor,
});

export const include = z.object({
  include: z
    .literal("payload")
    .meta({ description: "Shows the payload and the destination's headers too." })
    .optional(),
});

const ofTenant = tenantId.meta({ description: "Whose secrets." });

export const secretsOfTenant = z.object({ tenant_id: ofTenant });

export const secretOfTenant = z.object({
  tenant_id: ofTenant,
  id: z
    .string()
    .min(1)
    .meta({
      description: "The secret's id. One of any other form is a secret that does not exist.",
      param: { example: "sec_3M8XQ2V7C1D9K5R0T4W6Y8Z1BE" },
    }),
});

const requestId = z
  .string()
  .optional()
  .meta({
    description:
      "Comes back with the answer and stands in the logs, if it is 1 to 128 of `A-Z a-z 0-9 . _ -`; else a new one does.",
    param: { id: "RequestId" },
  });

/** Every request may have it. */
export const anyRequest = z.object({ "x-request-id": requestId });

export const keyedRequest = z.object({
  "x-request-id": requestId,
  "Idempotency-Key": z
    .string()
    .regex(/^[ -~]{1,255}$/)
    .optional()
    .meta({
      description:
        "1 to 255 printable ASCII characters of the caller's choice. The same request with the same key is answered the same again, and carried out once.",
      param: { id: "IdempotencyKey", example: "order-42-paid" },
    }),
});
