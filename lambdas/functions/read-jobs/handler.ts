import { attemptView, jobView, jobViewWithContent } from "../../contract/job-view.ts";
import { listCursor, parseListQuery } from "../../contract/list-query.ts";
import {
  attemptsCursor,
  noSuchJob,
  parseAttemptsQuery,
  parseInclude,
  parseJobId,
} from "../../contract/query.ts";
import type { AttemptPageView, JobPageView } from "../../contract/views.ts";
import type { Chance, JobStore } from "../../core/ports.ts";
import { finishedAttempts } from "../../core/rules/job.ts";
import type { Job } from "../../core/rules/job.ts";
import type { makeListJobs } from "../../core/usecases/list-jobs.ts";
import { httpApi } from "../../middleware/http.ts";
import type { ApiRequest } from "../../middleware/http.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";
import { refuseNamed } from "../system/unknown-route.ts";

export interface Deps {
  readonly telemetry: Telemetry;
  readonly store: Pick<JobStore, "read" | "readWithContent" | "listAttempts">;
  readonly listJobs: ReturnType<typeof makeListJobs>;
  readonly cursorSecret: () => Promise<Uint8Array>;
  readonly chance: Pick<Chance, "bytes">;
}

export const makeHandler = ({ telemetry, store, listJobs, cursorSecret, chance }: Deps) => {
  const findJob = async ({ path, nowMs }: ApiRequest): Promise<Job> => {
    const found = await store.read(parseJobId(path["id"]), nowMs);
    if (found.kind !== "job") throw noSuchJob();
    return found;
  };
  const newNonce = () => chance.bytes(12);

  return httpApi(telemetry, {
    "GET /v1/jobs": async ({ rawQueryString, nowMs }) => {
      const secret = await cursorSecret();
      const query = parseListQuery(rawQueryString, secret);
      const { jobs, next } = await listJobs(query);
      return {
        status: 200,
        body: {
          items: jobs.map((job) => jobView(job, nowMs)),
          next_cursor: listCursor(query, next, secret, newNonce()),
        } satisfies JobPageView,
      };
    },

    "GET /v1/jobs/{id}": async (request) => {
      refuseNamed(request);
      const { rawQueryString, path, nowMs } = request;
      if (rawQueryString === "")
        return { status: 200, body: jobView(await findJob(request), nowMs) };
      const found = await store.readWithContent(parseJobId(path["id"]), nowMs);
      if (!found) throw noSuchJob();
      const isWithContent = parseInclude(rawQueryString);
      return isWithContent
        ? { status: 200, json: jobViewWithContent(found.job, found.content, nowMs) }
        : { status: 200, body: jobView(found.job, nowMs) };
    },

    "GET /v1/jobs/{id}/attempts": async (request) => {
      const job = await findJob(request);
      const secret = await cursorSecret();
      const { limit, afterN } = parseAttemptsQuery(request.rawQueryString, job.id, secret);
      const attempts = await store.listAttempts(job, afterN, limit);
      const lastN = attempts.at(-1)?.n ?? 0;
      const isMore = attempts.length === limit && lastN < finishedAttempts(job);
      return {
        status: 200,
        body: {
          items: attempts.map(attemptView),
          next_cursor: isMore ? attemptsCursor(job.id, lastN, secret, newNonce()) : null,
        } satisfies AttemptPageView,
      };
    },
  });
};
