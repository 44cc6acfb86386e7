import { retryDelayMs } from "../../lambdas/core/rules/backoff.ts";
import { keyedJobId, retryDigestOf } from "../../lambdas/core/rules/ids.ts";
import { isTerminal } from "../../lambdas/core/rules/job.ts";
import type { AttemptRecord, Job, Standing } from "../../lambdas/core/rules/job.ts";
import { LEASE_SECONDS } from "../../lib/topology.ts";
import { DEDUPE_WINDOW_MS } from "./functions.ts";
import { bodyOf, requestHashOf } from "./history.ts";
import type { AcceptedPost, History } from "./history.ts";
import type { Life, Monitor } from "./monitor.ts";
import type { Plan } from "./plan.ts";
import { INDEX_LAG_MS } from "./world/world.ts";
import type { ReceivedRequest } from "./world/destinations.ts";

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
  readonly standingOf: (jobId: string) => Promise<Standing>;
  readonly attemptsOf: (job: Job) => Promise<readonly AttemptRecord[]>;
}

/** Everything that the contract promises, asked of a run that has come to rest. */
export const verdictOn = async (evidence: Evidence): Promise<readonly Violation[]> => {
  const { plan, history, monitor } = evidence;
  const violations: Violation[] = [...monitor.violations];
  const byId = Map.groupBy(history.accepted, ({ id }) => id);
  const requestsOf = Map.groupBy(evidence.requests, ({ jobId }) => jobId);
  for (const [jobId, posts] of byId) {
    const say = (what: string) => violations.push({ jobId, what });
    const job = await evidence.standingOf(jobId);
    if (job.kind !== "job") {
      say(`it was accepted, and there stands: ${job.kind}`);
      continue;
    }
    if (!isTerminal(job.state)) say(`it was accepted, and is lost: ${job.state} for ever`);
    payloads(posts, requestsOf.get(jobId) ?? [], say);
  }
  for (const [jobId, life] of monitor.lives) {
    const say = (what: string) => violations.push({ jobId, what });
    const job = await evidence.standingOf(jobId);
    if (job.kind !== "job") continue;
    const records = await evidence.attemptsOf(job);
    attempts(job, records, say);
    requests(job, life, records, requestsOf.get(jobId) ?? [], plan.skewMs, say);
    // Faults are over within hours, and a message is poison only after a day.
    if (job.state === "dlq" && job.attempts < job.maxAttempts) say("it was taken for poison");
    const asked = history.retriesAsked.get(jobId) ?? 0;
    if (life.manualRetries > asked) say("one manual retry began two sequences");
  }
  for (const [jobId] of requestsOf) {
    if (!monitor.lives.has(jobId)) violations.push({ jobId, what: "a request for no job" });
  }
  await keys(evidence, violations);
  dedupes(evidence, violations);
  lists(evidence, violations);
  for (const { id, key, startedAtMs } of history.retriesRefused) {
    const madeAtMs = monitor.lives.get(id)?.retriedAtMs.get(retryDigestOf(key));
    if (madeAtMs !== undefined && madeAtMs < startedAtMs) {
      violations.push({ jobId: id, what: "a manual retry that was made was answered as refused" });
    }
  }
  for (const { id } of history.retried) {
    if (!monitor.lives.get(id)?.manualRetries) {
      violations.push({ jobId: id, what: "its manual retry was answered, and never begun" });
    }
  }
  for (const { id } of history.cancelled) {
    if (monitor.lives.get(id)?.cancelledAtMs === undefined) {
      violations.push({ jobId: id, what: "its cancel was answered, and never written" });
    }
  }
  return violations;
};

type Say = (what: string) => void;

const payloads = (
  posts: readonly AcceptedPost[],
  received: readonly ReceivedRequest[],
  say: Say,
): void => {
  const own = posts.filter(({ isDeduplicated }) => !isDeduplicated);
  const bodies = new Set(own.map(({ job, body }) => bodyOf(job, body)));
  if (bodies.size > 1) say("two bodies were accepted under one id");
  const [winner] = bodies;
  if (winner === undefined) return;
  if (received.some(({ body }) => body !== winner))
    say("another payload than the winner's was sent");
};

const attempts = (job: Job, records: readonly AttemptRecord[], say: Say): void => {
  const made = job.earlierAttempts + job.attempts;
  const numbers = records.map(({ n }) => n);
  const expected = Array.from({ length: made }, (_, index) => index + 1);
  if (numbers.join() !== expected.join()) {
    say(`${made} attempts were made, and on record are ${numbers.join() || "none"}`);
  }
  if (job.attempts > job.maxAttempts) say("it had more attempts than max_attempts");
  const successes = records.filter(({ status }) => status === "success").length;
  if (successes !== (job.state === "success" ? 1 : 0)) say(`${successes} successes on record`);
};

const requests = (
  job: Job,
  life: Life,
  records: readonly AttemptRecord[],
  received: readonly ReceivedRequest[],
  skewMs: number,
  say: Say,
): void => {
  const used = new Set<number>();
  for (const { sentAtMs, attempt, answer } of received) {
    const claim = life.claims.findLast(
      (one) => one.atMs <= sentAtMs && one.attempt === attempt && !used.has(one.n),
    );
    if (!claim) {
      say(`a request of attempt ${attempt} that no claim allows`);
      continue;
    }
    used.add(claim.n);
    if (life.cancelledAtMs !== undefined && sentAtMs > life.cancelledAtMs) {
      say("a request after its cancel");
    }
    if (sentAtMs > claim.atMs + LEASE_SECONDS * 1_000 + 2 * skewMs) {
      say("a request after its lease was over");
    }
    if (job.executeAtMs !== null && sentAtMs + skewMs < job.executeAtMs) {
      say("a request before its time");
    }
    const record = records.find(({ n }) => n === claim.n);
    const before = records.find(({ n }) => n === claim.n - 1);
    if (attempt > 1 && before) {
      const leastMs = retryDelayMs(job.retry, attempt - 1, 0);
      const isEarly = sentAtMs + 2 * skewMs < before.finishedAtMs + leastMs;
      if (isEarly) say("a retry before its delay was over");
    }
    const isUnknown = record?.error?.startsWith("outcome_unknown") ?? false;
    if ((answer === "ok" || answer === "slow") && record?.status !== "success") {
      // Its worker died, or heard nothing in time.
      const isUnheard = isUnknown || record?.error?.startsWith("timeout") === true;
      if (!isUnheard) say(`attempt ${claim.n} succeeded, and on record it is: ${record?.error}`);
    }
    if (record?.status === "success" && answer !== "ok" && answer !== "slow") {
      say(`attempt ${claim.n} is a success on record, and the destination said: ${answer}`);
    }
  }
  for (const { n, status } of records) {
    if (status === "success" && !used.has(n)) say(`attempt ${n} is a success without a request`);
  }
};

/** In a calm world every post is answered with a job. */
export const refusedOf = ({ jobs }: Plan, history: History): readonly Violation[] => {
  const answered = new Set(history.accepted.map(({ job }) => job.ordinal));
  return jobs
    .filter(({ ordinal }) => !answered.has(ordinal))
    .map(({ ordinal }) => ({ jobId: "", what: `job ${ordinal} was refused` }));
};

/** One job for one idempotency key, and a conflict is with what stands under that key. */
const keys = async ({ history, standingOf }: Evidence, violations: Violation[]): Promise<void> => {
  for (const { job, body } of history.conflicts) {
    const { tenantId, idempotencyKey, batch } = job;
    const jobId =
      idempotencyKey === undefined ? "" : keyedJobId(tenantId, idempotencyKey, batch?.item);
    // Its winner may never have heard that it is accepted.
    const winner = await standingOf(jobId);
    const isOther =
      (winner.kind === "job" || winner.kind === "pointer") &&
      winner.requestHash !== requestHashOf(job, body);
    if (!isOther) violations.push({ jobId, what: `job ${job.ordinal} conflicts with nothing` });
  }
  const keyed = history.accepted.filter(({ job }) => job.idempotencyKey !== undefined);
  for (const posts of Map.groupBy(keyed, ({ job }) => job.ordinal).values()) {
    const [first] = posts;
    if (!first) continue;
    const say = (what: string) => violations.push({ jobId: first.id, what });
    if (new Set(posts.map(({ id }) => id)).size > 1) say("one idempotency key has two jobs");
    if (new Set(posts.map(({ body }) => body)).size > 1) say("one key accepted two bodies");
    const lost = history.conflicts.some(
      ({ job, body }) => job.ordinal === first.job.ordinal && body === first.body,
    );
    if (lost) say("the winner's own body was answered as a conflict");
  }
};

/** Each job once, and all that were there; for a second after its creation one may be missing. */
const lists = ({ history, monitor }: Evidence, violations: Violation[]): void => {
  for (const { tenantId, startedAtMs, ids } of history.lists) {
    if (new Set(ids).size < ids.length) {
      violations.push({ jobId: "", what: "a list shows a job twice" });
    }
    for (const [jobId, { tenant, createdAtMs }] of monitor.lives) {
      const isDue = tenant === tenantId && createdAtMs + INDEX_LAG_MS < startedAtMs;
      if (isDue && !ids.includes(jobId)) violations.push({ jobId, what: "a list leaves it out" });
    }
    if (ids.some((id) => monitor.lives.get(id)?.tenant !== tenantId)) {
      violations.push({ jobId: "", what: "a list shows another tenant's job" });
    }
  }
};

/** Never two jobs that share a dedupe key within its window, unless the first was cancelled. */
const dedupes = ({ plan, monitor, history }: Evidence, violations: Violation[]): void => {
  const held = [...monitor.lives].filter(([, { dedupeKey }]) => dedupeKey !== undefined);
  const groups = Map.groupBy(held, ([, { tenant, dedupeKey }]) => `${tenant}#${dedupeKey}`);
  for (const jobs of groups.values()) {
    const inOrder = jobs.toSorted(([, a], [, b]) => a.createdAtMs - b.createdAtMs);
    for (const [index, [jobId, life]] of inOrder.entries()) {
      const [, before] = inOrder[index - 1] ?? [];
      if (!before) continue;
      const apartMs = life.saysCreatedAtMs - before.saysCreatedAtMs;
      const isLetGo = (before.cancelledAtMs ?? Infinity) <= life.createdAtMs;
      if (apartMs < DEDUPE_WINDOW_MS - 2 * plan.skewMs && !isLetGo) {
        violations.push({ jobId, what: "its dedupe key was held by another job" });
      }
    }
  }
  for (const { id, job, isDeduplicated, isReplay, startedAtMs } of history.accepted) {
    const life = monitor.lives.get(id);
    const wasCancelled = (life?.cancelledAtMs ?? Infinity) < startedAtMs;
    if (isDeduplicated && !isReplay && wasCancelled) {
      violations.push({ jobId: id, what: "a cancelled job holds its dedupe key" });
    }
    if (isDeduplicated && (life?.dedupeKey !== job.dedupeKey || life.tenant !== job.tenantId)) {
      violations.push({ jobId: id, what: "it answered for a dedupe key that is not its own" });
    }
  }
};
