import { Problem } from "../errors.ts";
import type { Chance, Clock, JobQueue, JobStore } from "../ports.ts";
import { keyedJobId, newJobId } from "../rules/ids.ts";
import { messageFor, statusOf } from "../rules/job.ts";
import type { Job, JobRequest, JobStatus } from "../rules/job.ts";

export interface AcceptDeps {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly chance: Chance;
}

export interface Acceptance {
  readonly id: string;
  readonly status: JobStatus;
  /** The idempotency key had this very request's job already. */
  readonly isReplay: boolean;
}

/**
 * Takes a job in: queue first, then table, then the answer. So there is no job without a message on
 * its way, wherever this crashes; what a crash leaves is a message without a job, which the worker
 * gives up after a minute.
 *
 * @param requestHash what the request means, in hex; the same key with another one is refused
 * @throws Problem `idempotency_conflict`, or `unavailable` (then the job may have been accepted
 * after all: with a key the repeat is safe)
 */
export const makeAcceptJob = ({ store, queue, clock, chance }: AcceptDeps) => {
  return async (
    request: JobRequest,
    requestHash: string,
    idempotencyKey: string | undefined,
  ): Promise<Acceptance> => {
    const callStartedAtMs = clock.now();
    const id =
      idempotencyKey === undefined
        ? newJobId(callStartedAtMs, chance.bytes(10))
        : keyedJobId(request.tenantId, idempotencyKey);
    const { content, ...asked } = request;

    if (idempotencyKey !== undefined) {
      // Answers a replay without sending or writing anything; the put below stays the judge.
      const found = await orUnavailable(store.read(id, callStartedAtMs));
      if (found.kind === "job") return replay(found);
    }

    const isAhead = request.executeAtMs !== null && request.executeAtMs > callStartedAtMs;
    const job: Job = {
      ...asked,
      kind: "job",
      id,
      requestHash,
      state: "waiting",
      generation: 0,
      attempts: 0,
      earlierAttempts: 0,
      createdAtMs: callStartedAtMs,
      updatedAtMs: callStartedAtMs,
      dueAtMs: isAhead ? (request.executeAtMs ?? 0) : 0,
      lease: null,
      lastError: null,
      closedAttempts: [],
      success: null,
      fenced: 0,
      expiresAtMs: null,
    };
    await orUnavailable(queue.send(messageFor(job), Math.max(0, job.dueAtMs - callStartedAtMs)));
    const outcome = await orUnavailable(store.create(job, content, callStartedAtMs));
    if (outcome.kind === "created") {
      return { id, status: statusOf(job, clock.now()), isReplay: false };
    }
    if (outcome.found.kind === "job") return replay(outcome.found);
    throw new Problem("unavailable", "The job could not be stored; send it again.", {
      retryAfterSeconds: 10,
    });

    function replay(found: Job): Acceptance {
      if (found.requestHash !== requestHash) {
        throw new Problem(
          "idempotency_conflict",
          "This Idempotency-Key was used for a request with another body.",
          { mistakes: [{ header: "Idempotency-Key", detail: "was used for another body" }] },
        );
      }
      return { id, status: statusOf(found, clock.now()), isReplay: true };
    }
  };
};

/** An outage behind us is a 503 to the client, who may repeat the request. */
const orUnavailable = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    throw new Problem("unavailable", "The job could not be stored; send it again.", {
      retryAfterSeconds: 1,
      cause,
    });
  }
};
