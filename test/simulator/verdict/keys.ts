import { keyedJobId } from "../../../lambdas/core/rules/ids.ts";
import { DEDUPE_WINDOW_MS } from "../functions.ts";
import { requestHashOf } from "../history.ts";
import type { AcceptedPost } from "../history.ts";
import { forgottenAtMs } from "../lives.ts";
import type { Life } from "../lives.ts";
import type { Evidence, Say } from "./verdict.ts";

/** One job for one idempotency key, and a conflict is with what stands under that key. */
export const judgeKeys = (evidence: Evidence, say: Say): void => {
  const { history, monitor, plan } = evidence;
  for (const { job, body, startedAtMs, answeredAtMs } of history.conflicts) {
    const jobId = ownIdOf(job);
    // Its winner may never have heard that it is accepted.
    const standing = [
      ...monitor.lives.during(jobId, startedAtMs, answeredAtMs, plan.skewMs),
      ...monitor.lives.pointersDuring(jobId, startedAtMs, answeredAtMs),
    ];
    const other = requestHashOf(job, body === 0 ? 1 : 0);
    if (!standing.some(({ requestHash }) => requestHash === other)) {
      say(jobId, `job ${job.ordinal} conflicts with nothing`);
    }
  }
  const keyed = history.accepted.filter(({ job }) => job.idempotencyKey !== undefined);
  for (const posts of Map.groupBy(keyed, ({ job }) => job.ordinal).values()) {
    const inOrder = posts.toSorted((a, b) => a.answeredAtMs - b.answeredAtMs);
    for (const [index, post] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (!before || isForgotten(evidence, before, post)) continue;
      if (before.id !== post.id) say(post.id, "one idempotency key has two jobs");
      if (before.body !== post.body) say(post.id, "one key accepted two bodies");
    }
  }
};

const ownIdOf = ({ tenantId, idempotencyKey, batch }: AcceptedPost["job"]): string =>
  idempotencyKey === undefined ? "" : keyedJobId(tenantId, idempotencyKey, batch?.item);

/** Whether the job of an answer may have been forgotten before the next one: then its key is free. */
const isForgotten = (
  { monitor: { lives }, plan }: Evidence,
  before: AcceptedPost,
  { answeredAtMs }: AcceptedPost,
): boolean =>
  lives
    .during(before.id, before.startedAtMs, before.answeredAtMs, plan.skewMs)
    .some((life) => forgottenAtMs(life) <= answeredAtMs + plan.skewMs);

/** An answer says whether it is the first that its key was given, or one that was given before. */
export const judgeReplays = ({ history, monitor, plan }: Evidence, say: Say): void => {
  for (const post of history.accepted) {
    const { id, job, by, startedAtMs, answeredAtMs, isReplay, isDeduplicated } = post;
    const makers = isDeduplicated
      ? monitor.lives.pointersDuring(ownIdOf(job), startedAtMs, answeredAtMs)
      : monitor.lives
          .during(id, startedAtMs, answeredAtMs, plan.skewMs)
          .map(({ createdBy }) => ({ by: createdBy }));
    const [maker, another] = makers;
    if (another) continue;
    if (!maker && job.idempotencyKey !== undefined) say(id, "its key will not know it again");
    const isFirst = !maker || maker.by === by;
    if (isFirst === isReplay) {
      say(id, isReplay ? "a first answer is told as a replay" : "a replay is not told");
    }
  }
};

/** Never two jobs that share a dedupe key within its window, unless the first let it go. */
export const judgeDedupes = ({ plan, monitor, history }: Evidence, say: Say): void => {
  const held = [...monitor.lives.all()].filter(({ dedupeKey }) => dedupeKey !== undefined);
  const groups = Map.groupBy(held, ({ tenant, dedupeKey }) => `${tenant}#${dedupeKey}`);
  for (const lives of groups.values()) {
    const inOrder = lives.toSorted((a, b) => a.createdAtMs - b.createdAtMs);
    for (const [index, life] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (!before) continue;
      const apartMs = life.saysCreatedAtMs - before.saysCreatedAtMs;
      const isLetGo = letGoAtMs(before) <= life.createdAtMs + plan.skewMs;
      if (apartMs < DEDUPE_WINDOW_MS - 2 * plan.skewMs && !isLetGo) {
        say(life.jobId, "its dedupe key was held by another job");
      }
    }
  }
  for (const { id, job, isDeduplicated, isReplay, startedAtMs, answeredAtMs } of history.accepted) {
    if (!isDeduplicated) continue;
    const lives = monitor.lives.during(id, startedAtMs, answeredAtMs, plan.skewMs);
    const wasCancelled = (life: Life) => (life.cancelledAtMs ?? Infinity) < startedAtMs;
    if (!isReplay && lives.every(wasCancelled)) say(id, "a cancelled job holds its dedupe key");
    const isOwn = (life: Life) => life.dedupeKey === job.dedupeKey && life.tenant === job.tenantId;
    if (!lives.some(isOwn)) say(id, "it answered for a dedupe key that is not its own");
  }
};

/** A cancelled job lets its key go, and a forgotten one has none. */
const letGoAtMs = (life: Life): number =>
  Math.min(life.cancelledAtMs ?? Infinity, forgottenAtMs(life));
