import { marshall } from "@aws-sdk/util-dynamodb";
import type { ForgottenTarget, JobStore } from "../../core/ports.ts";
import { refused } from "./claims.ts";
import { toJobItem, toPointerItem } from "./items.ts";
import { dedupeKey, jobKey } from "./keys.ts";
import { longestLifeMs, putContent } from "./belongings.ts";
import { getItem, putItemIf, transact } from "./table.ts";
import type { Table } from "./table.ts";

/**
 * An expired job is replaced only a while after it expired: by then every worker's clock says so
 * too, and none deletes the new job's message for the old one's sake.
 */
const REPLACE_EXPIRED_AFTER_MS = 60_000;

export const createJob =
  (table: Table, newToken: () => string): JobStore["create"] =>
  async (job, content, { startedAtMs, dedupeUntilMs, forgottenTarget, forgottenHolder }) => {
    const token = { attribute: "crt", value: newToken() };
    const { item, isContentApart } = toJobItem(job, content, token.value, table.indexShards);
    if (isContentApart) await putContent(table, job, content, newToken);

    const nothingStands = "attribute_not_exists(pk)";
    const messageIsYounger = "(attribute_not_exists(ptr) AND made_at < :started)";
    const isLongExpired = "expires_at < :expired";
    const leadsNowhere =
      "(ptr = :forgotten AND ptc = :forgotten_at AND (attribute_not_exists(made_at) OR made_at < :started))";
    const condition = `${nothingStands} OR ${messageIsYounger} OR ${isLongExpired} OR ${leadsNowhere}`;
    const values = {
      ":started": startedAtMs,
      ":expired": Math.floor((startedAtMs - REPLACE_EXPIRED_AFTER_MS) / 1_000),
      ...valuesOf(forgottenTarget),
    };
    if (job.dedupeKey === null) {
      const written = await putItemIf(table, item, condition, values, token);
      // Judged without regard to expiry: what was too young to be replaced has to be reported.
      return written.kind === "written" ? { kind: "created" } : refused(written, 0);
    }

    const hold = {
      ...dedupeKey(job.tenantId, job.dedupeKey),
      jid: job.id,
      until: dedupeUntilMs,
      expires_at: Math.ceil(dedupeUntilMs / 1_000),
    };
    const outcome = await transact(table, jobKey(job.id), token, [
      {
        Put: {
          TableName: table.name,
          Item: item,
          ConditionExpression: condition,
          ExpressionAttributeValues: marshall(values),
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
      {
        Put: {
          TableName: table.name,
          Item: marshall(hold),
          // TTL deletes days late: the time is compared here.
          ConditionExpression:
            "attribute_not_exists(pk) OR #until <= :now OR (jid = :forgotten AND #until = :seen)",
          ExpressionAttributeNames: { "#until": "until" },
          ExpressionAttributeValues: marshall({
            ":now": startedAtMs,
            ":forgotten": forgottenHolder?.jobId ?? "none",
            ":seen": forgottenHolder?.untilMs ?? 0,
          }),
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
    ]);
    if (outcome.kind === "written") return { kind: "created" };
    const [ofJob, ofHold] = outcome.refusals;
    if (ofJob?.isRefused) return refused({ kind: "refused", item: ofJob.item }, 0);
    return { kind: "deduplicated", by: ofHold?.item?.["jid"]?.S ?? "" };
  };

/** Half a read unit. */
export const findHold =
  (table: Table): JobStore["findHold"] =>
  async (tenantId, key, nowMs) => {
    const hold = await getItem(table, dedupeKey(tenantId, key));
    const untilMs = Number(hold?.["until"]?.N ?? 0);
    return untilMs > nowMs ? { jobId: hold?.["jid"]?.S ?? "", untilMs } : undefined;
  };

export const putPointer =
  (table: Table, newToken: () => string): JobStore["putPointer"] =>
  async (from, to, { nowMs, forgottenTarget }) => {
    const token = newToken();
    const expiresAtSeconds = Math.ceil((nowMs + longestLifeMs(table, from)) / 1_000);
    const pointer = { jobId: to.id, createdAtMs: to.createdAtMs, requestHash: from.requestHash };
    const nothingStands = "attribute_not_exists(pk)";
    const isTombstone = "(attribute_exists(made_at) AND attribute_not_exists(ptr))";
    const leadsNowhere = "(ptr = :forgotten AND ptc = :forgotten_at)";
    const written = await putItemIf(
      table,
      toPointerItem(jobKey(from.id), pointer, expiresAtSeconds, token),
      `${nothingStands} OR ${isTombstone} OR ${leadsNowhere} OR expires_at < :now`,
      { ":now": Math.floor(nowMs / 1_000), ...valuesOf(forgottenTarget) },
      { attribute: "wrt", value: token },
    );
    return written.kind === "written" ? { kind: "put" } : refused(written, nowMs);
  };

const valuesOf = (target: ForgottenTarget | undefined) => ({
  ":forgotten": target?.jobId ?? "none",
  ":forgotten_at": target?.createdAtMs ?? 0,
});
