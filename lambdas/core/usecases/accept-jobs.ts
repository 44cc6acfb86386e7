import { Problem } from "../errors.ts";
import type { RateBuckets } from "../attempt-ports.ts";
import type {
  Chance,
  Clock,
  ForgottenTarget,
  HasRoom,
  Hold,
  JobQueue,
  JobStore,
} from "../ports.ts";
import { keyedJobId, newJobId } from "../rules/ids.ts";
import { messageFor, statusOf } from "../rules/job.ts";
import type { Job, JobContent, JobRequest, JobStatus, Standing } from "../rules/job.ts";
import { makeReserveSlots } from "./reserve-slots.ts";
import type { Reservation } from "./reserve-slots.ts";

export interface AcceptDeps {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly hasRoom: HasRoom;
  readonly buckets: RateBuckets;
  readonly dedupeWindowMs: number;
}

export interface AcceptRequest {
  readonly request: JobRequest;
  /** What the request means, in hex; the same key with another one is refused. */
  readonly requestHash: string;
  readonly idempotencyKey: string | undefined;
  /** The job's place in a batch, whose key it shares with its neighbours. */
  readonly batchItem?: number;
}

export type Acceptance =
  | {
      readonly kind: "accepted";
      readonly id: string;
      readonly status: JobStatus;
      /** The idempotency key had this very request's answer already. */
      readonly isReplay: boolean;
      /** Another job holds the dedupe key; the answer is that job. */
      readonly isDeduplicated: boolean;
    }
  /**
   * `idempotency_conflict`, `rate_limited`, or `unavailable`: then it may have been accepted after
   * all.
   */
  | { readonly kind: "refused"; readonly problem: Problem };

/**
 * Takes jobs in, each on its own: queue first, then table, then the answer. So there is no job
 * without a message on its way, wherever this crashes; what a crash leaves is a message without a
 * job, which the worker gives up after a minute.
 *
 * Idempotency is judged before dedupe. Jobs that share a dedupe key are taken in one after another,
 * in the order given, so that they see each other's.
 */
export const makeAcceptJobs = (deps: AcceptDeps) => {
  const reserveSlots = makeReserveSlots(deps);

  return async (requests: readonly AcceptRequest[]): Promise<readonly Acceptance[]> => {
    const acceptances: Acceptance[] = [];
    for (const wave of inWaves(requests)) {
      const drafts = await Promise.all(
        wave.map(async (index) => [index, await draft(requests[index])] as const),
      );
      const toCreate: { readonly index: number; readonly toBe: Draft }[] = [];
      for (const [index, found] of drafts) {
        if ("job" in found) toCreate.push({ index, toBe: found });
        else acceptances[index] = found;
      }
      const created = await createAll(toCreate.map(({ toBe }) => toBe));
      for (const [place, { index }] of toCreate.entries()) {
        acceptances[index] = created[place] ?? refusedBy(unavailable(1));
      }
    }
    return acceptances;
  };

  async function createAll(drafts: readonly Draft[]): Promise<readonly Acceptance[]> {
    if (drafts.length === 0) return [];
    const isRoom = await orProblem(deps.hasRoom(drafts.length));
    if (isRoom !== true) return drafts.map(() => (isRoom === false ? refusedBy(full()) : isRoom));
    const reservations = await reserveSlots(drafts.map(({ job }) => job));
    return Promise.all(
      drafts.map((toBe, place) => handOverAndCreate(toBe, reservations[place] ?? { kind: "none" })),
    );
  }

  /** What is known of a request before anything is sent or written: its answer, or its job to be. */
  async function draft(asked: AcceptRequest | undefined): Promise<Acceptance | Draft> {
    if (!asked) throw new RangeError("a wave names a request that is not there");
    const { request, requestHash, idempotencyKey, batchItem } = asked;
    const startedAtMs = deps.clock.now();
    const id =
      idempotencyKey === undefined
        ? newJobId(startedAtMs, deps.chance.bytes(10))
        : keyedJobId(request.tenantId, idempotencyKey, batchItem);
    const { content, ...rest } = request;
    const job = newJob(id, rest, requestHash, startedAtMs);
    const started: Draft = {
      job,
      content,
      startedAtMs,
      isKeyed: idempotencyKey !== undefined,
      forgottenTarget: undefined,
      forgottenHolder: undefined,
    };

    return orRefused(async () => {
      // Reads answer what needs no write; the conditional put stays the judge.
      const standing = started.isKeyed ? await deps.store.read(id, startedAtMs) : ABSENT;
      const answer = await answerOf(standing, started);
      if (answer) return answer;
      // Whatever leads to a job that is forgotten gives way.
      const forgottenTarget = standing.kind === "pointer" ? standing : undefined;
      const toBe = { ...started, forgottenTarget };
      if (request.dedupeKey === null) return toBe;
      const hold = await deps.store.findHold(request.tenantId, request.dedupeKey, startedAtMs);
      if (hold === undefined) return toBe;
      const holder = await readHolder(hold.jobId, toBe);
      return holder ? deduplicated(toBe, holder) : { ...toBe, forgottenHolder: hold };
    });
  }

  async function handOverAndCreate(to: Draft, reserved: Reservation): Promise<Acceptance> {
    const { job, content, startedAtMs, forgottenTarget, forgottenHolder } = to;
    if (reserved.kind === "beyond") return refusedBy(tooFarBehind(reserved.byMs));
    return orRefused(async () => {
      await (reserved.kind === "slot"
        ? deps.queue.send({ ...messageFor(job), slotMs: reserved.slotMs }, reserved.sendAtMs)
        : deps.queue.send(messageFor(job), job.dueAtMs));
      const dedupeUntilMs = startedAtMs + deps.dedupeWindowMs;
      const outcome = await deps.store.create(job, content, {
        startedAtMs,
        dedupeUntilMs,
        forgottenTarget,
        forgottenHolder,
      });
      switch (outcome.kind) {
        case "created":
          return accepted(job);
        case "deduplicated": {
          const holder = await readHolder(outcome.by, to);
          return holder ? deduplicated(to, holder) : refusedBy(unavailable(1));
        }
        case "refused":
          return (await answerOf(outcome.found, to)) ?? refusedBy(unavailable(10));
      }
    });
  }

  /** The answer that the key of a request was given already, if it was given one. */
  async function answerOf(standing: Standing, { job }: Draft): Promise<Acceptance | undefined> {
    if (standing.kind !== "job" && standing.kind !== "pointer") return undefined;
    const isSame = standing.requestHash === job.requestHash;
    if (standing.kind === "job") {
      // Expired, and not yet to be replaced: neither a job to show nor a key to give away.
      const isForgotten = standing.expiresAtMs !== null && standing.expiresAtMs <= deps.clock.now();
      if (isForgotten) return undefined;
      return isSame ? accepted(standing, { isReplay: true }) : refusedBy(conflict());
    }
    const target = await deps.store.read(standing.jobId, deps.clock.now());
    if (target.kind !== "job" || target.createdAtMs !== standing.createdAtMs) return undefined;
    return isSame
      ? accepted(target, { isReplay: true, isDeduplicated: true })
      : refusedBy(conflict());
  }

  /** The job that holds the dedupe key; another one may have its id, if the hold outlived it. */
  async function readHolder(holderId: string, { job }: Draft): Promise<Job | undefined> {
    const holder = await deps.store.read(holderId, deps.clock.now());
    return holder.kind === "job" && holder.dedupeKey === job.dedupeKey ? holder : undefined;
  }

  /** The answer by the job that holds the dedupe key, kept for the request's own key. */
  async function deduplicated(from: Draft, holder: Job): Promise<Acceptance> {
    if (from.isKeyed) {
      const { forgottenTarget } = from;
      const put = await deps.store.putPointer(from.job, holder, {
        nowMs: deps.clock.now(),
        forgottenTarget,
      });
      if (put.kind === "refused") {
        return (await answerOf(put.found, from)) ?? refusedBy(unavailable(1));
      }
    }
    return accepted(holder, { isDeduplicated: true });
  }

  function accepted(
    job: Job,
    how: { isReplay?: boolean; isDeduplicated?: boolean } = {},
  ): Acceptance {
    return {
      kind: "accepted",
      id: job.id,
      status: statusOf(job, deps.clock.now()),
      isReplay: how.isReplay ?? false,
      isDeduplicated: how.isDeduplicated ?? false,
    };
  }
};

interface Draft {
  readonly job: Job;
  readonly content: JobContent;
  /** Taken before the job's message is handed over. */
  readonly startedAtMs: number;
  readonly isKeyed: boolean;
  readonly forgottenTarget: ForgottenTarget | undefined;
  readonly forgottenHolder: Hold | undefined;
}

const ABSENT: Standing = { kind: "absent" };

const newJob = (
  id: string,
  request: Omit<JobRequest, "content">,
  requestHash: string,
  nowMs: number,
): Job => {
  const isAhead = request.executeAtMs !== null && request.executeAtMs > nowMs;
  return {
    ...request,
    kind: "job",
    id,
    requestHash,
    state: "waiting",
    generation: 0,
    attempts: 0,
    earlierAttempts: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    dueAtMs: isAhead ? (request.executeAtMs ?? 0) : 0,
    lease: null,
    lastError: null,
    closedAttempts: [],
    success: null,
    fenced: 0,
    retryKeys: [],
    expiresAtMs: null,
  };
};

/** Places of the requests, in groups: the n-th of each dedupe key is in the n-th group. */
const inWaves = (requests: readonly AcceptRequest[]): readonly (readonly number[])[] => {
  const waves: number[][] = [];
  const seen = new Map<string, number>();
  for (const [index, { request }] of requests.entries()) {
    const key = JSON.stringify([request.tenantId, request.dedupeKey]);
    const wave = request.dedupeKey === null ? 0 : (seen.get(key) ?? 0);
    seen.set(key, wave + 1);
    (waves[wave] ??= []).push(index);
  }
  return waves;
};

/** An outage behind us is a 503 to the client, who may repeat the request. */
const orRefused = async <T>(work: () => Promise<T>): Promise<T | Acceptance> => {
  try {
    return await work();
  } catch (cause) {
    return refusedBy(unavailable(1, cause));
  }
};

const orProblem = <T>(work: Promise<T>) => orRefused(() => work);

const refusedBy = (problem: Problem): Acceptance => ({ kind: "refused", problem });

const unavailable = (retryAfterSeconds: number, cause?: unknown): Problem =>
  new Problem("unavailable", "The job could not be stored; send it again.", {
    retryAfterSeconds,
    cause,
  });

const full = (): Problem =>
  new Problem("unavailable", "The queues are full; send the job again later.", {
    retryAfterSeconds: 5,
  });

const tooFarBehind = (byMs: number): Problem =>
  new Problem(
    "rate_limited",
    "So many jobs wait at this rate limit that this one's turn would come in over 366 days.",
    { retryAfterSeconds: Math.max(1, Math.ceil(byMs / 1_000)) },
  );

const conflict = (): Problem =>
  new Problem(
    "idempotency_conflict",
    "This Idempotency-Key was used for a request with another body.",
    {
      mistakes: [{ header: "Idempotency-Key", detail: "was used for another body" }],
    },
  );
