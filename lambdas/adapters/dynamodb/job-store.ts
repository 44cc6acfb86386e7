import type { JobStore } from "../../core/ports.ts";
import { listAttempts, putFailedAttempt, readContent } from "./belongings.ts";
import { cancel, retry } from "./changes.ts";
import { claim, close, giveUp, recordResult, release } from "./claims.ts";
import { createJob, findHold, putPointer } from "./create-job.ts";
import { toRidingContent, toStanding } from "./items.ts";
import { jobKey } from "./keys.ts";
import { getItem } from "./table.ts";
import type { Table } from "./table.ts";
import { fence, putTombstone, raiseTombstone } from "./tombstones.ts";

/**
 * Jobs in DynamoDB: one conditional write, one function, each in the file of its concern.
 *
 * @param newToken a new, unique token for every call
 */
export const makeDynamoJobStore = (table: Table, newToken: () => string): JobStore => ({
  create: createJob(table, newToken),
  findHold: findHold(table),
  putPointer: putPointer(table, newToken),
  read: async (jobId, nowMs) => toStanding(await getItem(table, jobKey(jobId)), nowMs),
  readContent: (claimed) => readContent(table, claimed),
  async readWithContent(jobId, nowMs) {
    const item = await getItem(table, jobKey(jobId));
    const job = toStanding(item, nowMs);
    if (!item || job.kind !== "job") return undefined;
    return { job, content: await readContent(table, { job, content: toRidingContent(item) }) };
  },

  claim: claim(table),
  release: release(table, newToken),
  recordResult: recordResult(table, newToken),
  close: close(table, newToken),
  giveUp: giveUp(table, newToken),

  cancel: cancel(table, newToken),
  retry: retry(table, newToken),

  putTombstone: putTombstone(table, newToken),
  raiseTombstone: raiseTombstone(table),
  fence: fence(table),

  putFailedAttempt: (job, attempt, kind) => putFailedAttempt(table, job, attempt, kind),
  listAttempts: (job, afterN, limit) => listAttempts(table, job, afterN, limit),
});
