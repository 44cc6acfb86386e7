import type { JobQueue, JobStore, Observer, Clock, Chance, Refused } from "../ports.ts";
import { closedAttempt, nextStep } from "../rules/attempt.ts";
import { messageFor } from "../rules/job.ts";
import type { Job, JobMessage, Standing } from "../rules/job.ts";
import { judge } from "../rules/judge.ts";
import type { Decision } from "../rules/judge.ts";

/** A message as the queue hands it out. */
export interface ReceivedMessage {
  readonly message: JobMessage;
  readonly sentAtMs: number;
  /** How often it was received, this time included. @default 1 */
  readonly receives?: number;
}

/** What becomes of the message: over, or back to the queue and hidden for so long. */
export type Verdict =
  { readonly kind: "delete" } | { readonly kind: "return"; readonly afterMs: number };

export const deleted: Verdict = { kind: "delete" };
export const returned = (afterMs: number): Verdict => ({ kind: "return", afterMs });

/** Back at once: another pass judges afresh, with a claim of its own. */
const ANOTHER_PASS_MS = 1_000;

export interface SettleDeps {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly observer: Observer;
}

/** The decisions that every reader of a queue carries out alike. */
export type CommonDecision = Exclude<Decision, { do: "claim" | "return" | "look_again" }>;

/**
 * Carries out what the rules say of a message, all but the claim itself. Whatever hands over the
 * next message does so before its conditional write, and the old message goes last: a crash at any
 * point leaves one message too many, never one too few.
 *
 * After a refused write the item that refused it decides anew, and nothing is claimed or closed in
 * that pass.
 */
export const makeSettleMessage =
  ({ store, queue, clock, chance, observer }: SettleDeps) =>
  async (received: ReceivedMessage, decision: CommonDecision): Promise<Verdict> => {
    const { message } = received;
    const refusal = await carryOut(decision);
    return refusal ? afterRefusal({ queue, clock }, received, refusal.found) : deleted;

    async function carryOut(step: CommonDecision): Promise<Refused | undefined> {
      const nowMs = clock.now();
      switch (step.do) {
        case "delete":
          return undefined;
        case "resend":
          await queue.send(message, step.job.dueAtMs);
          return undefined;
        case "raise_tombstone":
          return refusalOf(await store.raiseTombstone(message.jobId, nowMs));
        case "tombstone": {
          const put = await store.putTombstone(message.jobId, nowMs);
          if (put.kind === "put") observer.gaveUpMessage(message, "no_job");
          return refusalOf(put);
        }
        case "fence": {
          const fenced = await store.fence(message.jobId, step.generation, nowMs);
          if (fenced.kind === "fenced") observer.gaveUpMessage(message, "unknown_generation");
          return refusalOf(fenced);
        }
        case "close":
          return close(step.job, nowMs);
      }
    }

    async function close(job: Job, nowMs: number): Promise<Refused | undefined> {
      const attempt = closedAttempt(job);
      const result = nextStep(job, attempt, attempt.finishedAtMs, chance.fraction());
      await Promise.all([
        store.putFailedAttempt(job, attempt, "closed"),
        result.kind === "retry"
          ? queue.send(nextMessage(job), nextSendAtMs(result.dueAtMs, nowMs))
          : null,
      ]);
      const closed = await store.close(job, result, nowMs);
      if (closed.kind === "closed") observer.closed(job, attempt, result.kind);
      return refusalOf(closed);
    }
  };

/** What a refused write's own answer says of the message, without another write on the job. */
export const afterRefusal = async (
  { queue, clock }: Pick<SettleDeps, "queue" | "clock">,
  { message, sentAtMs }: ReceivedMessage,
  found: Standing,
): Promise<Verdict> => {
  const nowMs = clock.now();
  const decision = judge(found, message, nowMs, nowMs - sentAtMs);
  switch (decision.do) {
    case "delete":
      return deleted;
    case "return":
      return returned(decision.afterMs);
    case "resend":
      await queue.send(message, decision.job.dueAtMs);
      return deleted;
    case "look_again":
    case "claim":
    case "close":
    case "tombstone":
    case "raise_tombstone":
    case "fence":
      return returned(ANOTHER_PASS_MS);
  }
};

/** Queues forget after 14 days, and a message in the dead-letter queue keeps its age. */
const TOO_OLD_MS = 10 * 24 * 3_600_000;

/** A message that is to come back although it is old is handed over anew, so that it is not forgotten. */
export const renewedIfOld = async (
  { queue, clock }: Pick<SettleDeps, "queue" | "clock">,
  { message, sentAtMs }: ReceivedMessage,
  verdict: Verdict,
): Promise<Verdict> => {
  const nowMs = clock.now();
  if (verdict.kind === "delete" || nowMs - sentAtMs < TOO_OLD_MS) return verdict;
  await queue.send(message, nowMs + verdict.afterMs);
  return deleted;
};

const refusalOf = (outcome: { readonly kind: string } | Refused): Refused | undefined =>
  "found" in outcome ? outcome : undefined;

export const nextMessage = (job: Job): JobMessage => messageFor(job, { attempt: job.attempts + 1 });

/** At least a second, so that the write that follows is there before the message. */
export const nextSendAtMs = (dueAtMs: number, nowMs: number): number =>
  Math.max(nowMs + 1_000, dueAtMs);
