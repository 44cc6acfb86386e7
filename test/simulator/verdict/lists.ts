import type { AttentionClass, JobList } from "../../../lambdas/core/ports.ts";
import { statusOf } from "../../../lambdas/core/rules/job.ts";
import { makeListJobs } from "../../../lambdas/core/usecases/list-jobs.ts";
import { forgottenAtMs, isForgottenBy, jobOf } from "../lives.ts";
import type { Monitor } from "../monitor.ts";
import { TENANTS } from "../planned-job.ts";
import { INDEX_LAG_MS } from "../world/world.ts";
import type { Evidence, Say, Violation } from "./verdict.ts";

/** Each job once, and all that were there; for a second after its creation one may be missing. */
export const judgeLists = ({ history, monitor: { lives }, plan }: Evidence, say: Say): void => {
  for (const { tenantId, startedAtMs, endedAtMs, ids } of history.lists) {
    const shown = new Set(ids);
    if (shown.size < ids.length) say("", "a list shows a job twice");
    for (const life of lives.all()) {
      const { jobId, tenant, createdAtMs } = life;
      const isThere = forgottenAtMs(life) > endedAtMs + plan.skewMs;
      const isDue = tenant === tenantId && createdAtMs + INDEX_LAG_MS < startedAtMs && isThere;
      if (isDue && !shown.has(jobId)) say(jobId, "a list leaves it out");
    }
    if (ids.some((id) => lives.of(id).every(({ tenant }) => tenant !== tenantId))) {
      say("", "a list shows another tenant's job");
    }
  }
};

/** Where each rare status is looked up. */
const RARE: readonly (readonly [status: "scheduled" | AttentionClass, AttentionClass])[] = [
  ["scheduled", "waiting"],
  ["failed", "failed"],
  ["dlq", "dlq"],
  ["cancelled", "cancelled"],
];

/**
 * At rest: a list by a rare status shows the jobs of that status, and the sparse index behind it
 * holds no others, or lists would read through them.
 */
export const judgeRareLists = async (
  list: JobList,
  { lives }: Monitor,
  nowMs: number,
): Promise<readonly Violation[]> => {
  const violations: Violation[] = [];
  const clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  for (const [status, attention] of RARE) {
    for (const tenantId of TENANTS) {
      const read: string[] = [];
      const shown: string[] = [];
      const listJobs = makeListJobs({
        list: {
          async page(query) {
            const page = await list.page(query);
            read.push(...page.jobs.map(({ job }) => job.id));
            return page;
          },
        },
        clock,
      });
      let before: string | undefined;
      do {
        const query = { tenantId, status: toStatus(status), type: undefined, limit: 100, before };
        const page = await listJobs(query);
        shown.push(...page.jobs.map(({ id }) => id));
        before = page.next;
      } while (before !== undefined);

      const states = new Map(
        [...lives.all()]
          .filter((life) => life.tenant === tenantId && !isForgottenBy(life, nowMs))
          .map((life) => [life.jobId, jobOf(life)]),
      );
      for (const [jobId, job] of states) {
        const isOne = statusOf(job, nowMs) === status;
        if (isOne !== shown.includes(jobId)) {
          violations.push({ jobId, what: `a list of ${status} ${isOne ? "lacks" : "shows"} it` });
        } else if (read.includes(jobId) && job.state !== attention) {
          violations.push({
            jobId,
            what: `${job.state}, it is in the sparse index as ${attention}`,
          });
        }
      }
    }
  }
  return violations;
};

const toStatus = (status: "scheduled" | AttentionClass) =>
  status === "waiting" ? "scheduled" : status;
