import { isTerminal } from "../../../lambdas/core/rules/job.ts";
import { retryDigestOf } from "../../../lambdas/core/rules/ids.ts";
import type { AttemptRecord, Job } from "../../../lambdas/core/rules/job.ts";
import { bodyOf } from "../history.ts";
import type { AcceptedPost, History } from "../history.ts";
import { quietFromMs } from "../lateness.ts";
import { forgottenAtMs, jobOf } from "../lives.ts";
import type { Life } from "../lives.ts";
import type { Monitor } from "../monitor.ts";
import type { Plan } from "../plan.ts";
import type { ReceivedRequest } from "../world/destinations.ts";
import { judgeAttempts, judgeRequests } from "./attempts.ts";
import { judgeDedupes, judgeKeys, judgeReplays } from "./keys.ts";
import { judgeLists } from "./lists.ts";
import { judgeSignatures } from "./signatures.ts";

/** A promise that was broken, and the job that it was broken for. */
export interface Violation {
  readonly jobId: string;
  readonly what: string;
}

export interface Evidence {
  readonly plan: Plan;
  readonly history: History;
  readonly monitor: Monitor;
  readonly requests: readonly ReceivedRequest[];
  readonly attemptsOf: (job: Job) => Promise<readonly AttemptRecord[]>;
}

export type Say = (jobId: string, what: string) => void;

/** Everything that the contract promises, asked of a run that has come to rest. */
export const verdictOn = async (evidence: Evidence): Promise<readonly Violation[]> => {
  const { monitor, requests } = evidence;
  const violations: Violation[] = [...monitor.violations];
  const say: Say = (jobId, what) => violations.push({ jobId, what });

  const requestsOf = Map.groupBy(
    requests,
    ({ jobId, sentAtMs }) => monitor.lives.at(jobId, sentAtMs) ?? jobId,
  );
  for (const [life] of requestsOf) if (typeof life === "string") say(life, "a request for no job");
  for (const life of monitor.lives.all()) {
    const job = jobOf(life);
    const records = await evidence.attemptsOf(job);
    const received = requestsOf.get(life) ?? [];
    judgeAttempts(job, life, records, (what) => say(life.jobId, what));
    judgeRequests(job, life, records, received, evidence.plan.skewMs, (what) =>
      say(life.jobId, what),
    );
  }
  judgeRefusals(evidence, say);
  judgeAcceptances(evidence, requestsOf, say);
  judgeKeys(evidence, say);
  judgeReplays(evidence, say);
  judgeDedupes(evidence, say);
  judgeLists(evidence, say);
  judgeSignatures(evidence, say);
  judgeChanges(evidence, say);
  return violations;
};

/** Where nothing goes wrong, every post is answered, and a job that stands is known. */
const judgeRefusals = ({ plan, history, monitor }: Evidence, say: Say): void => {
  for (const { job, startedAtMs } of history.unanswered) {
    if (startedAtMs >= quietFromMs(plan)) say("", `job ${job.ordinal} was refused`);
  }
  for (const { id, startedAtMs, answeredAtMs } of history.unknown) {
    const isThere = monitor.lives
      .of(id)
      .some(
        (life) =>
          life.createdAtMs < startedAtMs && forgottenAtMs(life) > answeredAtMs + plan.skewMs,
      );
    if (isThere) say(id, "it was answered as unknown");
  }
};

/** Jobs that were answered come to an end, and what was sent is what was accepted. */
const judgeAcceptances = (
  { history, monitor, plan }: Evidence,
  requestsOf: ReadonlyMap<Life | string, readonly ReceivedRequest[]>,
  say: Say,
): void => {
  const posts = new Map<Life, AcceptedPost[]>();
  for (const post of history.accepted) {
    const { id, startedAtMs, answeredAtMs } = post;
    const [life, another] = monitor.lives.during(id, startedAtMs, answeredAtMs, plan.skewMs);
    if (!life) say(id, "it was accepted, and there is no such job");
    // Whether this one or its successor was meant, nobody can tell.
    else if (!another) posts.set(life, [...(posts.get(life) ?? []), post]);
  }
  for (const [life, itsPosts] of posts) {
    const { jobId } = life;
    const { state } = jobOf(life);
    if (!isTerminal(state)) say(jobId, `it was accepted, and is lost: ${state} for ever`);
    if (itsPosts.some(({ job }) => job.tenantId !== life.tenant)) {
      say(jobId, "it was answered to another tenant");
    }
    const own = itsPosts.filter(({ isDeduplicated }) => !isDeduplicated);
    const bodies = new Set(own.map(({ job, body }) => bodyOf(job, body)));
    if (bodies.size > 1) say(jobId, "two bodies were accepted under one id");
    const [winner] = bodies;
    const isOther = requestsOf.get(life)?.some(({ body }) => body !== winner) ?? false;
    if (winner !== undefined && isOther) say(jobId, "another payload than the winner's was sent");
  }
};

/** What clients were told of their cancels and manual retries. */
const judgeChanges = ({ history, monitor: { lives } }: Evidence, say: Say): void => {
  const retriesOf = (id: string) => lives.of(id).flatMap(({ retries }) => retries);
  for (const [id, asked] of history.retriesAsked) {
    if (retriesOf(id).length > asked) say(id, "one manual retry began two sequences");
  }
  for (const { id, key, by, startedAtMs } of history.retriesRefused) {
    const digest = key === undefined ? undefined : retryDigestOf(key);
    const isMade = retriesOf(id).some(
      (retry) =>
        retry.by === by ||
        (digest !== undefined && retry.digest === digest && retry.atMs < startedAtMs),
    );
    if (isMade) say(id, "a manual retry that was made was answered as refused");
  }
  for (const { id, by, isReplay } of history.retried) {
    const retries = retriesOf(id);
    if (retries.length === 0) say(id, "its manual retry was answered, and never begun");
    else if (retries.some((retry) => retry.by === by) === isReplay) {
      say(
        id,
        isReplay ? "a new manual retry is told as a replay" : "a manual retry's replay is not",
      );
    }
  }
  for (const { id } of history.cancelled) {
    if (lives.of(id).every(({ cancelledAtMs }) => cancelledAtMs === undefined)) {
      say(id, "its cancel was answered, and never written");
    }
  }
};
