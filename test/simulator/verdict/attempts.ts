import { retryDelayMs } from "../../../lambdas/core/rules/backoff.ts";
import type { AttemptRecord, Job } from "../../../lambdas/core/rules/job.ts";
import { LEASE_SECONDS } from "../../../lib/topology.ts";
import type { Claim, Life } from "../lives.ts";
import type { ReceivedRequest } from "../world/destinations.ts";

type SayOfJob = (what: string) => void;

/** What a receiver asks for is heard up to a day. */
const MOST_LEFT_ALONE_MS = 24 * 3_600_000;
/** Messages of a job that a function received while one claim lasted: beyond it something polls. */
const MAX_RECEIVES_A_CLAIM = 30;

/** What is on record of a job's attempts, and what its messages cost. */
export const judgeAttempts = (
  job: Job,
  life: Life,
  records: readonly AttemptRecord[],
  say: SayOfJob,
): void => {
  const made = job.earlierAttempts + job.attempts;
  const numbers = records.map(({ n }) => n);
  const expected = Array.from({ length: made }, (_, index) => index + 1);
  if (numbers.join() !== expected.join()) {
    say(`${made} attempts were made, and on record are ${numbers.join() || "none"}`);
  }
  if (job.attempts > job.maxAttempts) say("it had more attempts than max_attempts");
  const successes = records.filter(({ status }) => status === "success").length;
  if (successes !== (job.state === "success" ? 1 : 0)) say(`${successes} successes on record`);
  // Faults are over within hours, and a message is poison only after a day.
  if (job.state === "dlq" && job.attempts < job.maxAttempts) say("it was taken for poison");
  if (life.cameTooLate.some((n) => !job.closedAttempts.includes(n))) {
    say("a worker was told that it came too late, and nobody had closed its attempt");
  }
  for (const { n, receives } of life.claims) {
    if (receives > MAX_RECEIVES_A_CLAIM) {
      say(`its messages were received ${receives} times during attempt ${n}`);
    }
  }
};

/** What reached the receiver, against the claims that allow it and the records that tell of it. */
export const judgeRequests = (
  job: Job,
  life: Life,
  records: readonly AttemptRecord[],
  received: readonly ReceivedRequest[],
  skewMs: number,
  say: SayOfJob,
): void => {
  const used = new Map<number, ReceivedRequest>();
  for (const request of received) {
    const { sentAtMs, attempt } = request;
    const claim = life.claims.findLast(
      (one) => one.atMs <= sentAtMs && one.attempt === attempt && !used.has(one.n),
    );
    if (!claim) {
      say(`a request of attempt ${attempt} that no claim allows`);
      continue;
    }
    used.set(claim.n, request);
    const record = records.find(({ n }) => n === claim.n);
    const before = records.find(({ n }) => n === claim.n - 1);
    judgeTime(job, life, claim, request, before, skewMs, say);
    judgeRecord(claim, request, record, say);
  }
  for (const { n, status } of records) {
    if (status === "success" && !used.has(n)) say(`attempt ${n} is a success without a request`);
  }
  for (const [at, claim] of life.claims.entries()) {
    const request = used.get(claim.n);
    const record = records.find(({ n }) => n === claim.n);
    if (!request || !record) continue;
    const next = life.claims[at + 1];
    const following = next?.generation === claim.generation ? next : undefined;
    const then = { isLast: !next, following, request: following && used.get(following.n) };
    judgeWish(job, request, record, then, skewMs, say);
  }
};

const judgeTime = (
  job: Job,
  life: Life,
  claim: Claim,
  { sentAtMs, attempt }: ReceivedRequest,
  before: AttemptRecord | undefined,
  skewMs: number,
  say: SayOfJob,
): void => {
  if (life.cancelledAtMs !== undefined && sentAtMs > life.cancelledAtMs) {
    say("a request after its cancel");
  }
  if (sentAtMs > claim.atMs + LEASE_SECONDS * 1_000 + 2 * skewMs) {
    say("a request after its lease was over");
  }
  if (job.executeAtMs !== null && sentAtMs + skewMs < job.executeAtMs) {
    say("a request before its time");
  }
  if (attempt > 1 && before) {
    const leastMs = retryDelayMs(job.retry, attempt - 1, 0);
    const isEarly = sentAtMs + 2 * skewMs < before.finishedAtMs + leastMs;
    if (isEarly) say("a retry before its delay was over");
  }
};

const judgeRecord = (
  claim: Claim,
  { answer }: ReceivedRequest,
  record: AttemptRecord | undefined,
  say: SayOfJob,
): void => {
  const isUnknown = record?.error?.startsWith("outcome_unknown") ?? false;
  if ((answer === "ok" || answer === "slow") && record?.status !== "success") {
    // Its worker died, or heard nothing in time.
    const isUnheard = isUnknown || record?.error?.startsWith("timeout") === true;
    if (!isUnheard) say(`attempt ${claim.n} succeeded, and on record it is: ${record?.error}`);
  }
  if (record?.status === "success" && answer !== "ok" && answer !== "slow") {
    say(`attempt ${claim.n} is a success on record, and the destination said: ${answer}`);
  }
};

/** The next attempt of the same sequence, if there was one. */
interface WhatFollowed {
  readonly isLast: boolean;
  readonly following: Claim | undefined;
  readonly request: ReceivedRequest | undefined;
}

/** What a receiver's answer asks for, if it was heard: no further attempt, or none before a time. */
const judgeWish = (
  job: Job,
  { answer, retryAfter }: ReceivedRequest,
  { error, finishedAtMs }: AttemptRecord,
  { isLast, following, request: next }: WhatFollowed,
  skewMs: number,
  say: SayOfJob,
): void => {
  if (error?.startsWith("http_status") !== true) return;
  if (answer === "gone" || answer === "aborts") {
    if (following) say(`an attempt after the destination said: ${answer}`);
    else if (isLast && job.state === "dlq") say(`it is dlq, and the destination said: ${answer}`);
  }
  if (!retryAfter || !next) return;
  const asked = "forMs" in retryAfter ? finishedAtMs + retryAfter.forMs : retryAfter.untilMs;
  const fromMs = Math.min(asked, finishedAtMs + MOST_LEFT_ALONE_MS);
  if (next.sentAtMs + 2 * skewMs < fromMs) say("a request before Retry-After was over");
};
