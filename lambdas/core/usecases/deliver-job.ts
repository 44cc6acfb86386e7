import type { Attempt, Holds, Outcome, SigningSecrets } from "../attempt-ports.ts";
import type { AttemptResult, ClaimedJob } from "../ports.ts";
import { nextStep } from "../rules/attempt.ts";
import { attemptNumber } from "../rules/job.ts";
import type { AttemptRecord, Job, JobMessage } from "../rules/job.ts";
import { retryAfterMs } from "../rules/retry-after.ts";
import { judge } from "../rules/judge.ts";
import { cutToBytes } from "../rules/text.ts";
import {
  afterRefusal,
  deleted,
  makeSettleMessage,
  nextSendAtMs,
  nextMessage,
  renewedIfOld,
  returned,
} from "./settle-message.ts";
import type { ReceivedMessage, SettleDeps, Verdict } from "./settle-message.ts";
import { makeTurns } from "./turns.ts";
import type { TurnDeps } from "./turns.ts";

export interface DeliverDeps extends SettleDeps, TurnDeps {
  readonly holds: Holds;
  readonly attempt: Attempt;
  readonly signingSecrets: Pick<SigningSecrets, "read">;
  readonly leaseMs: number;
}

/** Cheap reads for a job whose put is in flight, each after so many milliseconds. */
const LOOK_AGAIN_AFTER_MS = [20, 50, 100];
/** Time that an attempt's record needs inside the lease, after the attempt's own time limit. */
const RECORDING_MARGIN_MS = 2_000;

/**
 * One message of a delivery queue, from receipt to verdict: claims the job, carries its attempt
 * out, records it. A rejected promise means that the message has to stay.
 */
export const makeDeliverJob = (deps: DeliverDeps) => {
  const { store, queue, clock, chance, observer, holds, attempt, signingSecrets, leaseMs } = deps;
  const settle = makeSettleMessage(deps);
  const turns = makeTurns(deps);

  return async (received: ReceivedMessage): Promise<Verdict> => {
    const { notBeforeMs = 0, ...message } = received.message;
    if (notBeforeMs > clock.now()) return handOn(message, notBeforeMs);
    const unfinished = await unfinishedOf({ ...received, message });
    if (unfinished) return unfinished;
    const turn = await turns.beforeClaim(message);
    if (turn.kind === "later") return handOn(turn.message, turn.sendAtMs);
    const atItsTurn = { ...received, message: withSlot(message, turn.slotMs) };
    const verdict = await claim(atItsTurn);
    return renewedIfOld(deps, atItsTurn, verdict);
  };

  /**
   * What a worker left behind that had this message before and died waits for no slot, and for no
   * destination: its lease is over when it is over.
   */
  async function unfinishedOf(received: ReceivedMessage): Promise<Verdict | undefined> {
    const { message, sentAtMs, receives = 1 } = received;
    if (receives === 1) return undefined;
    const nowMs = clock.now();
    const found = await store.read(message.jobId, nowMs);
    if (found.kind !== "job" || found.state !== "processing") return undefined;
    const decision = judge(found, message, nowMs, nowMs - sentAtMs);
    switch (decision.do) {
      case "return":
        return returned(decision.afterMs);
      case "close":
      case "delete":
        return settle(received, decision);
      default:
        return undefined;
    }
  }

  async function handOn(message: JobMessage, dueAtMs: number): Promise<Verdict> {
    await queue.send(message, dueAtMs);
    return deleted;
  }

  async function claim(received: ReceivedMessage, looks = 0): Promise<Verdict> {
    const { message, sentAtMs } = received;
    const claimedAtMs = clock.now();
    const outcome = await store.claim({
      message,
      nowMs: claimedAtMs,
      leaseUntilMs: claimedAtMs + leaseMs,
      token: tokenFrom(chance.bytes(9)),
    });
    if (outcome.kind === "claimed") return carryOut(received, outcome.claimed);

    const nowMs = clock.now();
    const decision = judge(outcome.found, message, nowMs, nowMs - sentAtMs);
    switch (decision.do) {
      case "look_again":
        return lookAgain(received, looks);
      case "return":
        return returned(decision.afterMs);
      case "claim": // it came due, or was let go, since the claim was refused
        return returned(0);
      default:
        return settle(received, decision);
    }
  }

  async function lookAgain(received: ReceivedMessage, looks: number): Promise<Verdict> {
    for (const [look, afterMs] of LOOK_AGAIN_AFTER_MS.entries()) {
      if (look < looks) continue;
      await clock.sleep(afterMs);
      const found = await store.read(received.message.jobId, clock.now());
      if (found.kind !== "absent") return claim(received, look + 1);
    }
    return returned(1_000);
  }

  async function carryOut(received: ReceivedMessage, claimed: ClaimedJob): Promise<Verdict> {
    const { job } = claimed;
    const { lease } = job;
    if (!lease) throw new Error(`job ${job.id} was claimed without a lease`);
    // The secrets of this moment count; without an answer nothing is sent, rather than unsigned.
    const [content, { secrets }] = await Promise.all([
      store.readContent(claimed),
      signingSecrets.read(job.tenantId),
    ]);

    const turn = await turns.beforeStart(job, received.message);
    if (turn.kind === "later") {
      await queue.send(turn.message, turn.sendAtMs);
      const released = await store.release(job, lease.token, clock.now());
      return released.kind === "refused" ? afterRefusal(deps, received, released.found) : deleted;
    }
    const startedAtMs = clock.now();
    const leaseLeftMs = lease.untilMs - startedAtMs;
    if (leaseLeftMs < job.destination.timeoutMs + RECORDING_MARGIN_MS) {
      return returned(Math.max(0, leaseLeftMs));
    }
    const { id, type, destination, attempts } = job;
    const outcome = await attempt(
      {
        id,
        type,
        destination,
        content,
        attempt: attempts,
        signingSecrets: secrets.map(({ secret }) => secret),
      },
      startedAtMs,
    );
    const finishedAtMs = clock.now();
    const record = recordOf(job, outcome, startedAtMs, finishedAtMs);
    const leaveAloneMs = askedToLeaveAloneMs(outcome, finishedAtMs);
    const result = resultOf(job, outcome, record, chance.fraction(), leaveAloneMs);

    await Promise.all([
      leaveAloneMs > 0 ? holdDestination(job, finishedAtMs + leaveAloneMs) : null,
      result.kind === "success" ? null : store.putFailedAttempt(job, record, "result"),
      result.kind === "retry"
        ? queue.send(nextMessage(job), nextSendAtMs(result.dueAtMs, finishedAtMs))
        : null,
    ]);
    const recorded = await store.recordResult(job, lease.token, result, clock.now());
    if (recorded.kind === "refused") {
      observer.cameTooLate(job, record);
      return afterRefusal(deps, received, recorded.found);
    }
    observer.attempted(job, record, result.kind);
    return deleted;
  }

  /** For the tenant's other jobs; the attempt is on record even where this could not be noted. */
  async function holdDestination(job: Job, untilMs: number): Promise<void> {
    await holds
      .hold(job.destinationKey, untilMs)
      .catch((cause: unknown) => observer.couldNotHold(job, cause));
  }
};

/** The job itself keeps its last error, and has one kilobyte for all. */
const MAX_ERROR_BYTES = 100;

const recordOf = (
  job: Job,
  outcome: Outcome,
  startedAtMs: number,
  finishedAtMs: number,
): AttemptRecord => ({
  n: attemptNumber(job),
  startedAtMs,
  finishedAtMs,
  status: outcome.kind === "delivered" ? "success" : "failed",
  httpStatus: outcome.httpStatus,
  error: outcome.kind === "delivered" ? null : cutToBytes(outcome.error, MAX_ERROR_BYTES),
  responseExcerpt: outcome.kind === "delivered" ? null : outcome.responseExcerpt,
});

const resultOf = (
  job: Job,
  outcome: Outcome,
  attempt: AttemptRecord,
  random: number,
  leaveAloneMs: number,
): AttemptResult => {
  switch (outcome.kind) {
    case "delivered":
      return { kind: "success", attempt, httpStatus: outcome.httpStatus };
    case "permanent":
      return { kind: "failed", attempt };
    case "retryable":
      return nextStep(job, attempt, attempt.finishedAtMs, random, leaveAloneMs);
  }
};

const askedToLeaveAloneMs = (outcome: Outcome, nowMs: number): number =>
  outcome.kind === "retryable" && outcome.retryAfter !== undefined
    ? (retryAfterMs(outcome.retryAfter, nowMs) ?? 0)
    : 0;

const withSlot = (
  { slotMs: _reserved, ...message }: JobMessage,
  slotMs: number | undefined,
): JobMessage => (slotMs === undefined ? message : { ...message, slotMs });

const tokenFrom = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
