import type { JobStore } from "../../core/ports.ts";
import type { Job } from "../../core/rules/job.ts";
import { renewBelongings } from "./belongings.ts";
import { expiryOf, refused } from "./claims.ts";
import { attentionOf } from "./items.ts";
import { dedupeKey, jobKey } from "./keys.ts";
import { transact, updateItemIf, updateOf } from "./table.ts";
import type { Table, Update } from "./table.ts";

/** What a caller changes about a job. */

/** How many manual retries are remembered by their keys. */
const REMEMBERED_RETRIES = 10;

/** waiting → cancelled. 1 write unit, 2 for the sparse index, and 4 more with a dedupe key. */
export const cancel =
  (table: Table, newToken: () => string): JobStore["cancel"] =>
  async (job, nowMs) => {
    const token = { attribute: "wrt", value: newToken() };
    const update: Update = {
      key: jobKey(job.id),
      set: {
        st: "cancelled",
        upd: nowMs,
        expires_at: expiryOf(table, nowMs),
        ...attentionOf(job, "cancelled", table.indexShards),
        wrt: token.value,
      },
      condition: "#st = :waiting",
      values: { ":waiting": "waiting" },
      token,
    };
    const withHold =
      job.dedupeKey === null ? undefined : await lettingGo(table, job, job.dedupeKey, update);
    if (withHold?.kind === "written") return { kind: "cancelled" };
    if (withHold?.kind === "refused") return refused(withHold, nowMs);
    const written = await updateItemIf(table, update);
    return written.kind === "written" ? { kind: "cancelled" } : refused(written, nowMs);
  };

/** Together with the end of its hold on its dedupe key; `undefined` if another job has it by now. */
const lettingGo = async (table: Table, job: Job, key: string, update: Update) => {
  const token = update.token;
  if (!token) throw new Error("a transaction needs a token");
  const outcome = await transact(table, update.key, token, [
    { Update: updateOf(table, update) },
    {
      Delete: {
        TableName: table.name,
        Key: toAttributes(dedupeKey(job.tenantId, key)),
        ConditionExpression: "attribute_not_exists(pk) OR jid = :id",
        ExpressionAttributeValues: { ":id": { S: job.id } },
      },
    },
  ]);
  if (outcome.kind === "written") return outcome;
  const [ofJob] = outcome.refusals;
  return ofJob?.isRefused ? { kind: "refused" as const, item: ofJob.item } : undefined;
};

const toAttributes = ({ pk, sk }: { pk: string; sk: string }) => ({ pk: { S: pk }, sk: { S: sk } });

/** failed or dlq → waiting, as the first attempt of a generation of its own. */
export const retry =
  (table: Table, newToken: () => string): JobStore["retry"] =>
  async (job, { generation, retryKey }, nowMs) => {
    await renewBelongings(table, job, nowMs);
    const token = { attribute: "gnt", value: newToken() };
    const isOver = "(#st = :failed OR #st = :dlq)";
    const isStillThisGeneration = "#gen = :gen";
    const isNotFenced = "(attribute_not_exists(#fenced) OR #fenced < :next)";
    const retryKeys = retryKey === undefined ? job.retryKeys : [...job.retryKeys, retryKey];
    const written = await updateItemIf(table, {
      key: jobKey(job.id),
      set: {
        st: "waiting",
        gen: generation,
        att: 0,
        prev: job.earlierAttempts + job.attempts,
        due: 0,
        upd: nowMs,
        rks: retryKeys.slice(-REMEMBERED_RETRIES),
        ...attentionOf(job, "waiting", table.indexShards),
        gnt: token.value,
      },
      remove: ["expires_at"],
      condition: `${isOver} AND ${isStillThisGeneration} AND ${isNotFenced}`,
      values: { ":failed": "failed", ":dlq": "dlq", ":gen": job.generation, ":next": generation },
      token,
    });
    return written.kind === "written" ? { kind: "retried" } : refused(written, nowMs);
  };
