import type {
  AttemptResult,
  ClaimedJob,
  FailedResult,
  JobStore,
  Refused,
} from "../../core/ports.ts";
import type { Job } from "../../core/rules/job.ts";
import { attentionOf, toRidingContent, toStanding } from "./items.ts";
import { jobKey } from "./keys.ts";
import { updateItemIf } from "./table.ts";
import type { Table, Written } from "./table.ts";

/**
 * The transitions of a job, one conditional write each. The conditions are what keeps the promises:
 * each names the very state that its caller saw.
 */

const LEASE_ATTRIBUTES = ["clt", "cla", "lse"];
const ATTENTION_ATTRIBUTES = ["npk"];

/** waiting → processing. 1 write unit. */
export const claim =
  (table: Table): JobStore["claim"] =>
  async ({ message, nowMs, leaseUntilMs, token }) => {
    const isWaitingForThisAttempt = "#st = :waiting AND #gen = :gen AND #att = :made";
    const isDue = "#due <= :now";
    const written = await updateItemIf(table, {
      key: jobKey(message.jobId),
      set: {
        st: "processing",
        att: message.attempt,
        clt: token,
        cla: nowMs,
        lse: leaseUntilMs,
        upd: nowMs,
      },
      condition: `${isWaitingForThisAttempt} AND ${isDue}`,
      values: {
        ":waiting": "waiting",
        ":gen": message.generation,
        ":made": message.attempt - 1,
        ":now": nowMs,
      },
      token: { attribute: "clt", value: token },
    });
    if (written.kind === "refused") return refused(written, nowMs);
    const job = toStanding(written.item, nowMs);
    if (job.kind !== "job") throw new Error(`the claim of ${message.jobId} left no job`);
    const claimed: ClaimedJob = { job, content: toRidingContent(written.item) };
    return { kind: "claimed", claimed };
  };

/** processing → waiting, by the worker that holds the claim and has begun nothing. 1 write unit. */
export const release =
  (table: Table, newToken: () => string): JobStore["release"] =>
  async (job, token, nowMs) => {
    const writeToken = newToken();
    const written = await updateItemIf(table, {
      key: jobKey(job.id),
      set: { st: "waiting", att: job.attempts - 1, upd: nowMs, wrt: writeToken },
      remove: LEASE_ATTRIBUTES,
      condition: "#clt = :token",
      values: { ":token": token },
      token: { attribute: "wrt", value: writeToken },
    });
    return written.kind === "written" ? { kind: "released" } : refused(written, nowMs);
  };

/** processing → success, failed, waiting or dlq, by the worker that holds the claim. 1 write unit. */
export const recordResult =
  (table: Table, newToken: () => string): JobStore["recordResult"] =>
  async (job, token, result, nowMs) => {
    const { set, remove } = endOfAttempt(table, job, result, nowMs);
    const writeToken = newToken();
    const written = await updateItemIf(table, {
      key: jobKey(job.id),
      set: { ...set, wrt: writeToken },
      remove: [...LEASE_ATTRIBUTES, ...remove],
      condition: "#clt = :token",
      values: { ":token": token },
      token: { attribute: "wrt", value: writeToken },
    });
    return written.kind === "written" ? { kind: "recorded" } : refused(written, nowMs);
  };

/** processing → waiting or dlq, by anybody, once the lease is over. 1 write unit. */
export const close =
  (table: Table, newToken: () => string): JobStore["close"] =>
  async (job, result, nowMs) => {
    const { set, remove } = endOfAttempt(table, job, result, nowMs);
    const writeToken = newToken();
    const written = await updateItemIf(table, {
      key: jobKey(job.id),
      set: { ...set, closed: [...job.closedAttempts, result.attempt.n], wrt: writeToken },
      remove: [...LEASE_ATTRIBUTES, ...remove],
      condition: "#st = :processing AND #gen = :gen AND #att = :att AND #lse <= :now",
      values: {
        ":processing": "processing",
        ":gen": job.generation,
        ":att": job.attempts,
        ":now": nowMs,
      },
      token: { attribute: "wrt", value: writeToken },
    });
    return written.kind === "written" ? { kind: "closed" } : refused(written, nowMs);
  };

/** waiting → dlq, for a message that no worker could settle. */
export const giveUp =
  (table: Table, newToken: () => string): JobStore["giveUp"] =>
  async (job, lastError, nowMs) => {
    const writeToken = newToken();
    const written = await updateItemIf(table, {
      key: jobKey(job.id),
      set: {
        st: "dlq",
        err: lastError,
        upd: nowMs,
        expires_at: expiryOf(table, nowMs),
        ...attentionOf(job, "dlq", table.indexShards),
        wrt: writeToken,
      },
      condition: "#st = :waiting AND #gen = :gen AND #att = :att AND #due <= :now",
      values: {
        ":waiting": "waiting",
        ":gen": job.generation,
        ":att": job.attempts,
        ":now": nowMs,
      },
      token: { attribute: "wrt", value: writeToken },
    });
    return written.kind === "written" ? { kind: "given_up" } : refused(written, nowMs);
  };

export const refused = (
  written: Extract<Written, { kind: "refused" }>,
  nowMs: number,
): Refused => ({
  kind: "refused",
  found: toStanding(written.item, nowMs),
});

/** When what ends now is forgotten, in the seconds that DynamoDB's TTL counts in. */
export const expiryOf = (table: Table, nowMs: number): number =>
  Math.ceil((nowMs + table.retentionMs) / 1_000);

const endOfAttempt = (
  table: Table,
  job: Job,
  result: AttemptResult | FailedResult,
  nowMs: number,
): { readonly set: Record<string, unknown>; readonly remove: readonly string[] } => {
  const { attempt } = result;
  const failure = { err: attempt.error ?? "", upd: nowMs };
  switch (result.kind) {
    case "success":
      return {
        set: {
          st: "success",
          ok: [attempt.startedAtMs, attempt.finishedAtMs, result.httpStatus],
          upd: nowMs,
          expires_at: expiryOf(table, nowMs),
        },
        remove: ["err", ...ATTENTION_ATTRIBUTES],
      };
    case "retry":
      return {
        set: {
          ...failure,
          st: "waiting",
          due: result.dueAtMs,
          ...attentionOf(job, "waiting", table.indexShards),
        },
        remove: [],
      };
    case "failed":
    case "dlq":
      return {
        set: {
          ...failure,
          st: result.kind,
          expires_at: expiryOf(table, nowMs),
          ...attentionOf(job, result.kind, table.indexShards),
        },
        remove: [],
      };
  }
};
