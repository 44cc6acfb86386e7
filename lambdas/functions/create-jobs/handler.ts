import { isBatchItem, MAX_BATCH_BYTES, parseBatchRequest } from "../../contract/batch-request.ts";
import { parseIdempotencyKey } from "../../contract/idempotency-key.ts";
import { isPayload, parseJobRequest } from "../../contract/job-request.ts";
import { problemDocument } from "../../contract/problem.ts";
import { readQuery } from "../../contract/query.ts";
import { MAX_BODY_BYTES, readJsonBody } from "../../contract/request-body.ts";
import { together } from "../../contract/together.ts";
import type { AcceptedView, BatchView } from "../../contract/views.ts";
import { Problem, problemCodes } from "../../core/errors.ts";
import type { AllowList } from "../../core/rules/destination-policy.ts";
import type { JobRequest } from "../../core/rules/job.ts";
import type { Acceptance, makeAcceptJobs } from "../../core/usecases/accept-jobs.ts";
import { httpApi } from "../../middleware/http.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";

export interface Deps {
  readonly telemetry: Telemetry;
  readonly allow: AllowList;
  readonly acceptJobs: ReturnType<typeof makeAcceptJobs>;
}

export const makeHandler = ({ telemetry, allow, acceptJobs }: Deps) => {
  const count = (acceptances: readonly Acceptance[]) => {
    const created = acceptances.filter(
      (one) => one.kind === "accepted" && !one.isReplay && !one.isDeduplicated,
    );
    if (created.length > 0) telemetry.metrics.addMetric("jobs_created", "Count", created.length);
  };

  return httpApi(telemetry, {
    "POST /v1/jobs": async (request) => {
      const body = readJsonBody(request, MAX_BODY_BYTES, isPayload);
      const [{ request: job, hash }, idempotencyKey] = together(
        () => parseJobRequest(body, { nowMs: request.nowMs, allow }),
        () => parseIdempotencyKey(request.headers["idempotency-key"]),
        () => readQuery(request.rawQueryString, []),
      );

      const acceptances = await acceptJobs([{ request: job, requestHash: hash, idempotencyKey }]);
      count(acceptances);
      const [acceptance] = acceptances;
      if (acceptance?.kind !== "accepted") throw acceptance?.problem ?? new Error("no answer");
      const { id, status, isReplay, isDeduplicated } = acceptance;
      return {
        status: isDeduplicated ? 200 : 201,
        headers: {
          ...(isDeduplicated ? {} : { location: `/v1/jobs/${id}` }),
          ...(isReplay ? { "idempotency-replayed": "true" } : {}),
        },
        body: (isDeduplicated
          ? { id, status, deduplicated: true }
          : { id, status }) satisfies AcceptedView,
        about: { job_id: id, tenant_id: job.tenantId, ...traceOf(job) },
      };
    },

    "POST /v1/jobs/batch": async (request) => {
      const body = readJsonBody(request, MAX_BATCH_BYTES, isBatchItem);
      const [jobs, idempotencyKey] = together(
        () => parseBatchRequest(body, { nowMs: request.nowMs, allow }),
        () => parseIdempotencyKey(request.headers["idempotency-key"]),
        () => readQuery(request.rawQueryString, []),
      );

      const sound = jobs.flatMap((job, batchItem) =>
        job instanceof Problem
          ? []
          : [{ request: job.request, requestHash: job.hash, idempotencyKey, batchItem }],
      );
      const acceptances = await acceptJobs(sound);
      count(acceptances);
      const byItem = new Map(sound.map(({ batchItem }, index) => [batchItem, acceptances[index]]));
      const problems: Problem[] = [];
      const items = jobs.map((job, item) => {
        const acceptance = byItem.get(item);
        if (acceptance?.kind === "accepted") return itemView(acceptance);
        const problem =
          job instanceof Problem
            ? job
            : (acceptance?.problem ?? new Problem("internal", "No answer."));
        problems.push(problem);
        const { status } = problemCodes[problem.code];
        return { status, error: problemDocument(problem, request.requestId) };
      });
      const waits = problems.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
      return {
        status: 207,
        headers: waits.length === 0 ? {} : { "retry-after": String(Math.max(...waits)) },
        body: { items } satisfies BatchView,
      };
    },
  });
};

const traceOf = ({ metadata }: JobRequest): { readonly trace_id?: string } => {
  const traceId = metadata.find(([name]) => name === "trace_id")?.[1];
  return traceId === undefined ? {} : { trace_id: traceId };
};

const itemView = ({
  id,
  status,
  isReplay,
  isDeduplicated,
}: Extract<Acceptance, { kind: "accepted" }>): BatchView["items"][number] => ({
  status: isDeduplicated ? 200 : 201,
  id,
  job_status: status,
  deduplicated: isDeduplicated,
  replayed: isReplay,
});
