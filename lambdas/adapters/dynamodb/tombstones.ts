import { marshall } from "@aws-sdk/util-dynamodb";
import type { JobStore } from "../../core/ports.ts";
import { refused } from "./claims.ts";
import { jobKey } from "./keys.ts";
import { putItemIf, updateItemIf } from "./table.ts";
import type { Table } from "./table.ts";

/**
 * How far the clocks of two machines may be apart. A tombstone is dated so far ahead: a create that
 * started within it is refused (and repeated by its client), rather than trusted to a message that
 * may have been given up.
 */
const CLOCK_SKEW_MS = 5_000;
/** Longer than any queue keeps a message (14 days). */
const TOMBSTONE_TTL_SECONDS = 15 * 24 * 3_600;

export const putTombstone =
  (table: Table, newToken: () => string): JobStore["putTombstone"] =>
  async (jobId, nowMs) => {
    const token = newToken();
    const item = { ...jobKey(jobId), ...tombstoneAt(nowMs), wrt: token };
    const written = await putItemIf(
      table,
      marshall(item),
      "attribute_not_exists(pk) OR expires_at <= :now",
      { ":now": Math.floor(nowMs / 1_000) },
      { attribute: "wrt", value: token },
    );
    return written.kind === "written" ? { kind: "put" } : refused(written, nowMs);
  };

/** Lives for as long as a new one; a pointer, which lives longer anyway, is only marked. */
export const raiseTombstone =
  (table: Table): JobStore["raiseTombstone"] =>
  async (jobId, nowMs) => {
    const { made_at, expires_at } = tombstoneAt(nowMs);
    const raise = (set: Record<string, number>, condition: string) =>
      updateItemIf(table, { key: jobKey(jobId), set, condition, values: { ":made_at": made_at } });
    let written = await raise(
      { made_at, expires_at },
      "#made_at < :made_at AND attribute_not_exists(#ptr)",
    );
    if (written.kind === "refused" && written.item?.["ptr"]) {
      const isUnraised = "(attribute_not_exists(#made_at) OR #made_at < :made_at)";
      written = await raise({ made_at }, `attribute_exists(#ptr) AND ${isUnraised}`);
    }
    if (written.kind === "written") return { kind: "raised" };
    const refusal = refused(written, nowMs);
    // One that refuses was raised higher, which says it all.
    const isRaised = refusal.found.kind === "tombstone" || refusal.found.kind === "pointer";
    return isRaised ? { kind: "raised" } : refusal;
  };

export const fence =
  (table: Table): JobStore["fence"] =>
  async (jobId, generation, nowMs) => {
    const isStillLower = "#gen < :generation";
    const isNotYetFenced = "(attribute_not_exists(#fenced) OR #fenced < :generation)";
    const written = await updateItemIf(table, {
      key: jobKey(jobId),
      set: { fenced: generation },
      condition: `${isStillLower} AND ${isNotYetFenced}`,
      values: { ":generation": generation },
    });
    if (written.kind === "written") return { kind: "fenced" };
    const refusal = refused(written, nowMs);
    const isFenced = refusal.found.kind === "job" && refusal.found.fenced >= generation;
    return isFenced ? { kind: "fenced" } : refusal;
  };

const tombstoneAt = (nowMs: number) => ({
  made_at: nowMs + CLOCK_SKEW_MS,
  expires_at: Math.ceil(nowMs / 1_000) + TOMBSTONE_TTL_SECONDS,
});
