import { parseIdempotencyKey } from "../../contract/idempotency-key.ts";
import { noSuchJob, parseJobId, readQuery } from "../../contract/query.ts";
import type { CancelledView, RetriedView } from "../../contract/views.ts";
import { Problem } from "../../core/errors.ts";
import type { makeCancelJob } from "../../core/usecases/cancel-job.ts";
import type { makeRetryJob } from "../../core/usecases/retry-job.ts";
import { httpApi } from "../../middleware/http.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";

export interface Deps {
  readonly telemetry: Telemetry;
  readonly cancelJob: ReturnType<typeof makeCancelJob>;
  readonly retryJob: ReturnType<typeof makeRetryJob>;
}

/** Calls that take no body look at neither body nor content type. */
export const makeHandler = ({ telemetry, cancelJob, retryJob }: Deps) =>
  httpApi(telemetry, {
    "POST /v1/jobs/{id}/cancel": async ({ path, rawQueryString }) => {
      const id = parseJobId(path["id"]);
      readQuery(rawQueryString, []);
      const outcome = await cancelJob(id);
      switch (outcome.kind) {
        case "cancelled":
          return { status: 200, body: { id, status: "cancelled" } satisfies CancelledView };
        case "too_late":
          throw new Problem(
            "invalid_state",
            `The job is ${outcome.status}: it cannot be cancelled.`,
          );
        case "unknown":
          throw noSuchJob();
      }
    },

    "POST /v1/jobs/{id}/retry": async ({ path, rawQueryString, headers }) => {
      const id = parseJobId(path["id"]);
      readQuery(rawQueryString, []);
      const outcome = await retryJob(id, parseIdempotencyKey(headers["idempotency-key"]));
      switch (outcome.kind) {
        case "queued":
          return {
            status: 200,
            headers: outcome.isReplay ? { "idempotency-replayed": "true" } : {},
            body: { id, status: "queued" } satisfies RetriedView,
          };
        case "not_over":
          throw new Problem(
            "invalid_state",
            `The job is ${outcome.status}: only a failed or dead-lettered one can be retried.`,
          );
        case "unknown":
          throw noSuchJob();
      }
    },
  });
