import { parseIdempotencyKey } from "../../contract/idempotency-key.ts";
import { isPayload, parseJobRequest } from "../../contract/job-request.ts";
import { readQuery } from "../../contract/query.ts";
import { readJsonBody } from "../../contract/request-body.ts";
import type { AllowList } from "../../core/rules/destination-policy.ts";
import type { makeAcceptJob } from "../../core/usecases/accept-job.ts";
import { httpApi } from "../../middleware/http.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";

export interface Deps {
  readonly telemetry: Telemetry;
  readonly allow: AllowList;
  readonly acceptJob: ReturnType<typeof makeAcceptJob>;
}

export const makeHandler = ({ telemetry, allow, acceptJob }: Deps) =>
  httpApi(telemetry, {
    "POST /v1/jobs": async (request) => {
      const body = readJsonBody(request, isPayload);
      readQuery(request.rawQueryString, []);
      const idempotencyKey = parseIdempotencyKey(request.headers["idempotency-key"]);
      const job = parseJobRequest(body, { nowMs: request.nowMs, allow });

      const { id, status, isReplay } = await acceptJob(job.request, job.hash, idempotencyKey);
      if (!isReplay) telemetry.metrics.addMetric("jobs_created", "Count", 1);
      return {
        status: 201,
        headers: {
          location: `/v1/jobs/${id}`,
          ...(isReplay ? { "idempotency-replayed": "true" } : {}),
        },
        body: { id, status },
      };
    },
  });
