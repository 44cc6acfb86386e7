import { QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { JobStore } from "../../core/ports.ts";
import { finishedAttempts } from "../../core/rules/job.ts";
import type { AttemptRecord, Job, JobContent } from "../../core/rules/job.ts";
import { claim, close, giveUp, recordResult, refused } from "./claims.ts";
import {
  toAttemptItem,
  toContent,
  toContentItem,
  toFailedAttempt,
  toJobItem,
  toStanding,
} from "./items.ts";
import { attemptKey, attemptSortKey, jobKey, payloadKey } from "./keys.ts";
import { getItem, putItem, putItemIf } from "./table.ts";
import type { Table } from "./table.ts";
import { fence, putTombstone, raiseTombstone } from "./tombstones.ts";

const DAY_MS = 24 * 3_600_000;
/**
 * An expired job is replaced only a while after it expired: by then every worker's clock says so
 * too, and none deletes the new job's message for the old one's sake.
 */
const REPLACE_EXPIRED_AFTER_MS = 60_000;

/** Jobs in DynamoDB. @param newToken a new, unique token for every call */
export const makeDynamoJobStore = (table: Table, newToken: () => string): JobStore => ({
  async create(job, content, callStartedAtMs) {
    const token = newToken();
    const { item, isContentApart } = toJobItem(job, content, token, table.indexShards);
    if (isContentApart) await putContent(table, job, content);

    const nothingStands = "attribute_not_exists(pk)";
    const messageIsYounger = "made_at < :started";
    const isLongExpired = "expires_at < :expired";
    const written = await putItemIf(
      table,
      item,
      `${nothingStands} OR ${messageIsYounger} OR ${isLongExpired}`,
      {
        ":started": callStartedAtMs,
        ":expired": Math.floor((callStartedAtMs - REPLACE_EXPIRED_AFTER_MS) / 1_000),
      },
      { attribute: "crt", value: token },
    );
    // Judged without regard to expiry: what was too young to be replaced has to be reported.
    return written.kind === "written" ? { kind: "created" } : refused(written, 0);
  },

  async read(jobId, nowMs) {
    return toStanding(await getItem(table, jobKey(jobId)), nowMs);
  },

  async readContent({ job, content }) {
    if (content) return content;
    const item = await getItem(table, payloadKey(job.id, job.requestHash));
    if (!item) throw new Error(`the content of job ${job.id} is missing`);
    return toContent(item);
  },

  async putFailedAttempt(job, attempt, kind) {
    const expiresAt = Math.ceil((attempt.finishedAtMs + longestLifeMs(table, job)) / 1_000);
    await putItem(table, toAttemptItem(attemptKey(job.id, attempt.n, kind), attempt, expiresAt));
  },

  claim: claim(table),
  recordResult: recordResult(table, newToken),
  close: close(table, newToken),
  giveUp: giveUp(table, newToken),
  putTombstone: putTombstone(table, newToken),
  raiseTombstone: raiseTombstone(table),
  fence: fence(table),

  listAttempts: (job, afterN, limit) => listAttempts(table, job, afterN, limit),
});

/**
 * How long a job may live from now: every attempt left, a day apart at the most, and what it is kept
 * for after its end, with a month to spare. The end is not known when parts of a job are written, so
 * they expire after it, and readers judge by the job.
 */
const longestLifeMs = (table: Table, job: Job): number =>
  job.maxAttempts * DAY_MS + table.retentionMs + 30 * DAY_MS;

const putContent = async (table: Table, job: Job, content: JobContent): Promise<void> => {
  const startsAtMs = Math.max(job.createdAtMs, job.dueAtMs);
  const expiresAtSeconds = Math.ceil((startsAtMs + longestLifeMs(table, job)) / 1_000);
  await putItem(
    table,
    toContentItem(payloadKey(job.id, job.requestHash), content, expiresAtSeconds),
  );
};

const listAttempts = async (
  table: Table,
  job: Job,
  afterN: number,
  limit: number,
): Promise<readonly AttemptRecord[]> => {
  const lastN = finishedAttempts(job);
  if (afterN >= lastN) return [];
  const closed = new Set(job.closedAttempts);
  const attempts: AttemptRecord[] = [];

  let startKey: QueryCommand["input"]["ExclusiveStartKey"];
  do {
    const page = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues: marshall({
          ":pk": jobKey(job.id).pk,
          ":first": attemptSortKey(afterN + 1),
          ":last": `${attemptSortKey(lastN)}~`,
        }),
        ConsistentRead: true,
        ExclusiveStartKey: startKey,
        Limit: 2 * limit, // an attempt may stand twice: as its worker saw it, and as it was closed
      }),
    );
    for (const item of page.Items ?? []) {
      const { isClosed, ...attempt } = toFailedAttempt(item);
      if (isClosed === closed.has(attempt.n)) attempts.push(attempt);
    }
    startKey = page.LastEvaluatedKey;
  } while (startKey && attempts.length < limit);

  if (job.success && !startKey && attempts.length < limit) {
    attempts.push({
      n: lastN,
      ...job.success,
      status: "success",
      error: null,
      responseExcerpt: null,
    });
  }
  return attempts.slice(0, limit);
};
