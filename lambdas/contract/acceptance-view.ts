import { Problem, problemCodes } from "../core/errors.ts";
import type { Acceptance } from "../core/usecases/accept-jobs.ts";
import { problemDocument } from "./problem.ts";
import type { AcceptedView, BatchView } from "./views.ts";

type Accepted = Extract<Acceptance, { kind: "accepted" }>;

/** The answer to a job that was accepted, or that another one answered for. */
export const acceptedView = ({ id, status, isDeduplicated }: Accepted): AcceptedView =>
  isDeduplicated ? { id, status, deduplicated: true } : { id, status };

export const acceptedStatus = ({ isDeduplicated }: Accepted): 200 | 201 =>
  isDeduplicated ? 200 : 201;

/** The answer to a batch: one item a job, in the order sent. */
export const batchView = (
  answers: readonly (Accepted | Problem)[],
  requestId: string,
): BatchView => ({
  items: answers.map((answer) =>
    answer instanceof Problem
      ? {
          status: problemCodes[answer.code].status,
          error: problemDocument(answer, requestId),
        }
      : {
          status: acceptedStatus(answer),
          id: answer.id,
          job_status: answer.status,
          deduplicated: answer.isDeduplicated,
          replayed: answer.isReplay,
        },
  ),
});
