import type { Job } from "../../lambdas/core/rules/job.ts";
import type { History } from "./history.ts";
import type { Life } from "./lives.ts";
import type { PlannedJob } from "./planned-job.ts";

/**
 * The write units that a job may take, by docs/DESIGN.md, in a world where nothing goes wrong; a
 * little more for what its own client does at the same moment.
 */
export const writeUnitsAllowed = (job: Job, life: Life, planned: PlannedJob): number => {
  const attempts = job.earlierAttempts + job.attempts;
  const failures = attempts - (job.state === "success" ? 1 : 0);
  const create = 2 + (job.dedupeKey === null ? 0 : 3) + (planned.payload.length > 500 ? 1 : 0);
  // A worker whose message came before the job's put was refused.
  const early = 1;
  const claimsAndResults = 2 * attempts;
  const records = failures;
  const sparseIndex = life.entersAttention ? 3 : 0;
  const cancel = job.state === "cancelled" ? (job.dedupeKey === null ? 1 : 5) : 0;
  // The retry itself, what belongs to the job and is kept longer, and its way through the index.
  const retries = life.retries.length * (1 + 1 + attempts + 3 + early);
  return create + early + claimsAndResults + records + sparseIndex + cancel + retries;
};

/** Posts that made no job: refused puts, the payloads of losers, pointers. */
export const writeUnitsOfOthers = (history: History, jobs: readonly PlannedJob[]): number => {
  const deduplicated = history.accepted.filter(({ isDeduplicated }) => isDeduplicated).length;
  const extraPosts = jobs.reduce((sum, { posts }) => sum + posts - 1, 0);
  const twins = jobs.filter(({ dedupeKey }) => dedupeKey !== null).length;
  // Posted again right after it was forgotten, a job is refused for a minute: its messages find none.
  const postedAgain = jobs.filter((job) => job.postedAgain !== null).length;
  return 2 * deduplicated + 6 * extraPosts + twins + 15 * postedAgain;
};
