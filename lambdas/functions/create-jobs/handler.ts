import { acceptedStatus, acceptedView, batchView } from "../../contract/acceptance-view.ts";
import { isBatchItem, MAX_BATCH_BYTES, parseBatchRequest } from "../../contract/batch-request.ts";
import { parseIdempotencyKey } from "../../contract/idempotency-key.ts";
import { isPayload, parseJobRequest } from "../../contract/job-request.ts";
import { readQuery } from "../../contract/query.ts";
import { MAX_BODY_BYTES, readJsonBody } from "../../contract/request-body.ts";
import { together } from "../../contract/together.ts";
import { Problem } from "../../core/errors.ts";
import type { AllowList } from "../../core/rules/destination-policy.ts";
import type { Acceptance, AcceptRequest, makeAcceptJobs } from "../../core/usecases/accept-jobs.ts";
import { httpApi } from "../../middleware/http.ts";
import { aboutJob } from "../../middleware/telemetry.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";

export interface Deps {
  readonly telemetry: Telemetry;
  readonly allow: AllowList;
  readonly acceptJobs: ReturnType<typeof makeAcceptJobs>;
}

type Accepted = Extract<Acceptance, { kind: "accepted" }>;

export const makeHandler = ({ telemetry, allow, acceptJobs }: Deps) => {
  /** Each request's answer, in their order; the new jobs are counted. */
  const accept = async (requests: readonly AcceptRequest[]): Promise<(Accepted | Problem)[]> => {
    const acceptances = await acceptJobs(requests);
    const created = acceptances.filter(
      (one) => one.kind === "accepted" && !one.isReplay && !one.isDeduplicated,
    );
    if (created.length > 0) telemetry.metrics.addMetric("jobs_created", "Count", created.length);
    return acceptances.map((one) => (one.kind === "accepted" ? one : one.problem));
  };

  return httpApi(telemetry, {
    "POST /v1/jobs": async (request) => {
      const body = readJsonBody(request, MAX_BODY_BYTES, isPayload);
      const [{ request: job, hash }, idempotencyKey] = together(
        () => parseJobRequest(body, { nowMs: request.nowMs, allow }),
        () => parseIdempotencyKey(request.headers["idempotency-key"]),
        () => readQuery(request.rawQueryString, []),
      );

      const [answer] = await accept([{ request: job, requestHash: hash, idempotencyKey }]);
      if (!answer || answer instanceof Problem) throw answer ?? new Error("no answer");
      return {
        status: acceptedStatus(answer),
        headers: {
          ...(answer.isDeduplicated ? {} : { location: `/v1/jobs/${answer.id}` }),
          ...(answer.isReplay ? { "idempotency-replayed": "true" } : {}),
        },
        body: acceptedView(answer),
        about: aboutJob({ ...job, id: answer.id }),
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
      const accepted = (await accept(sound)).values();
      const answers = jobs.map((job) =>
        job instanceof Problem
          ? job
          : (accepted.next().value ?? new Problem("internal", "No answer.")),
      );
      const problems = answers.filter((answer) => answer instanceof Problem);
      logOutages(telemetry, problems, request.requestId);
      const waits = problems.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
      return {
        status: 207,
        headers: waits.length === 0 ? {} : { "retry-after": String(Math.max(...waits)) },
        body: batchView(answers, request.requestId),
      };
    },
  });
};

/** A batch's answer is 207 whatever became of its jobs: what kept them out is told to the log here. */
const logOutages = (
  { logger }: Telemetry,
  problems: readonly Problem[],
  requestId: string,
): void => {
  for (const { code, cause } of problems) {
    if (cause instanceof Error) logger.error(code, { error: cause, request_id: requestId });
  }
};
