import { attemptView, jobView } from "../../contract/job-view.ts";
import { attemptCursor, parseLimit, readQuery } from "../../contract/query.ts";
import { Problem } from "../../core/errors.ts";
import type { JobStore } from "../../core/ports.ts";
import { isJobId } from "../../core/rules/ids.ts";
import { finishedAttempts } from "../../core/rules/job.ts";
import type { Job } from "../../core/rules/job.ts";
import { httpApi } from "../../middleware/http.ts";
import type { ApiRequest } from "../../middleware/http.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";

export interface Deps {
  readonly telemetry: Telemetry;
  readonly store: Pick<JobStore, "read" | "listAttempts">;
}

export const makeHandler = ({ telemetry, store }: Deps) => {
  const findJob = async ({ path, nowMs }: ApiRequest): Promise<Job> => {
    const id = path["id"] ?? "";
    const found = isJobId(id) ? await store.read(id, nowMs) : undefined;
    if (found?.kind !== "job") throw new Problem("not_found", "There is no such job.");
    return found;
  };

  return httpApi(telemetry, {
    "GET /v1/jobs/{id}": async (request) => {
      readQuery(request.rawQueryString, []);
      return { status: 200, body: jobView(await findJob(request), request.nowMs) };
    },

    "GET /v1/jobs/{id}/attempts": async (request) => {
      const query = readQuery(request.rawQueryString, ["limit", "cursor"]);
      const limit = parseLimit(query.limit);
      const afterN = attemptCursor.decode(query.cursor);
      const job = await findJob(request);

      const attempts = await store.listAttempts(job, afterN, limit);
      const lastN = attempts.at(-1)?.n ?? 0;
      const hasMore = attempts.length === limit && lastN < finishedAttempts(job);
      return {
        status: 200,
        body: {
          items: attempts.map(attemptView),
          next_cursor: hasMore ? attemptCursor.encode(lastN) : null,
        },
      };
    },
  });
};
