import { Logger } from "@aws-lambda-powertools/logger";
import type { LogLevel } from "@aws-lambda-powertools/logger/types";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { Observer } from "../core/ports.ts";
import type { AttemptRecord, Job, JobMessage } from "../core/rules/job.ts";

/** How a function speaks: one line of log per request and per attempt, and metrics beside them. */
export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export const makeTelemetry = (functionName: string, logLevel: LogLevel): Telemetry => ({
  logger: new Logger({ serviceName: functionName, logLevel }),
  metrics: new Metrics({ namespace: "PulseGate", serviceName: functionName }),
});

/** Sends the metrics of an invocation when it ends, however it ends. */
export const publishMetrics = ({ metrics }: Telemetry) => {
  const publish = () => {
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  };
  return { after: publish, onError: publish };
};

/** Never by tenant: each value of a dimension is a metric of its own, and is billed as one. */
export const observerOf = ({ logger, metrics }: Telemetry): Observer => {
  const completed = (status: string) => {
    const metric = metrics.singleMetric();
    metric.addDimension("status", status);
    metric.addMetric("jobs_completed", MetricUnit.Count, 1);
  };
  const attempted = (attempt: AttemptRecord) => {
    metrics.addMetric("attempts", MetricUnit.Count, 1);
    metrics.addMetric(
      "delivery_duration",
      MetricUnit.Milliseconds,
      attempt.finishedAtMs - attempt.startedAtMs,
    );
  };
  return {
    attempted(job, attempt, next) {
      logger.info("attempt", { ...aboutJob(job), ...ofAttempt(attempt), next });
      attempted(attempt);
      if (next !== "retry") completed(next);
    },
    cameTooLate(job, attempt) {
      logger.warn("an attempt ended after its lease", { ...aboutJob(job), ...ofAttempt(attempt) });
    },
    closed(job, attempt, next) {
      logger.warn("an attempt was closed", { ...aboutJob(job), ...ofAttempt(attempt), next });
      if (next === "dlq") completed(next);
    },
    gaveUpMessage(message, why) {
      logger.warn("a message was given up", { ...ofMessage(message), why });
    },
    poisoned(job) {
      logger.error("a job was given up: its message was never settled", aboutJob(job));
      completed("dlq");
    },
    couldNotHold(job, cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      logger.warn("a destination's Retry-After could not be noted", { ...aboutJob(job), error });
    },
  };
};

const ofMessage = ({ jobId, generation, attempt }: JobMessage) => ({
  job_id: jobId,
  generation,
  attempt,
});

/** What a line of log says of a job. */
export const aboutJob = (job: Pick<Job, "id" | "tenantId" | "metadata">) => {
  const traceId = job.metadata.find(([name]) => name === "trace_id")?.[1];
  return {
    job_id: job.id,
    tenant_id: job.tenantId,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
  };
};

const ofAttempt = (attempt: AttemptRecord) => ({
  n: attempt.n,
  duration_ms: attempt.finishedAtMs - attempt.startedAtMs,
  http_status: attempt.httpStatus,
  error: attempt.error,
});
