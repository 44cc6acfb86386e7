import { QueryCommand } from "@aws-sdk/client-dynamodb";
import type { QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { ClaimedJob } from "../../core/ports.ts";
import { finishedAttempts } from "../../core/rules/job.ts";
import type { AttemptRecord, Job, JobContent } from "../../core/rules/job.ts";
import { HORIZON_MS } from "../../core/rules/rate-limit.ts";
import { toAttemptItem, toContent, toContentItem, toFailedAttempt } from "./belonging-items.ts";
import { attemptKey, attemptSortKey, jobKey, payloadKey } from "./keys.ts";
import { getItem, putItem, putItemIf, updateItemIf } from "./table.ts";
import type { Key, Table, TableAddress } from "./table.ts";

/** What belongs to a job and never changes: its content, and its failed attempts. */

const DAY_MS = 24 * 3_600_000;

/**
 * How long a job may live from now: every attempt left, a day apart at the most, a slot as far ahead
 * as there are any, and what it is kept for after its end, with a month to spare. The end is not
 * known when parts of a job are written, so they expire after it, and readers judge by the job.
 */
export const longestLifeMs = (
  table: Pick<Table, "retentionMs">,
  job: Pick<Job, "maxAttempts" | "pace">,
): number =>
  job.maxAttempts * DAY_MS + (job.pace ? HORIZON_MS : 0) + table.retentionMs + 30 * DAY_MS;

const expiryFrom = (table: Table, job: Job, fromMs: number): number =>
  Math.ceil((fromMs + longestLifeMs(table, job)) / 1_000);

/**
 * A content that stands there already means the same: it is kept, since a worker may be sending it,
 * and lives for as long as this job may.
 */
export const putContent = async (
  table: Table,
  job: Job,
  content: JobContent,
  newToken: () => string,
): Promise<void> => {
  const expiresAtSeconds = expiryFrom(table, job, Math.max(job.createdAtMs, job.dueAtMs));
  const key = payloadKey(job.id, job.requestHash);
  const token = { attribute: "wrt", value: newToken() };
  const item = { ...toContentItem(key, content, expiresAtSeconds), wrt: { S: token.value } };
  for (let tries = 1; tries <= 3; tries += 1) {
    const put = await putItemIf(table, item, "attribute_not_exists(pk)", undefined, token);
    if (put.kind === "written") return;
    const kept = await keepUntil(table, key, expiresAtSeconds);
    if (kept.kind === "written") return;
    // It expired, and was deleted, right in between.
  }
  throw new Error(`the content of job ${job.id} came and went`);
};

const keepUntil = (table: Table, key: Key, expiresAtSeconds: number) =>
  updateItemIf(table, {
    key,
    set: { expires_at: expiresAtSeconds },
    // A small content rides in the job: then there is none of its own to keep.
    condition: "attribute_exists(#pk)",
  });

export const readContent = async (
  table: Table,
  { job, content }: ClaimedJob,
): Promise<JobContent> => {
  if (content) return content;
  const item = await getItem(table, payloadKey(job.id, job.requestHash));
  if (!item) throw new Error(`the content of job ${job.id} is missing`);
  return toContent(item);
};

export const putFailedAttempt = async (
  table: Table,
  job: Job,
  attempt: AttemptRecord,
  kind: "result" | "closed",
): Promise<void> => {
  const expiresAtSeconds = expiryFrom(table, job, attempt.finishedAtMs);
  await putItem(table, toAttemptItem(attemptKey(job, attempt.n, kind), attempt, expiresAtSeconds));
};

/** Keeps all of it for as long as the job may live from now on. */
export const renewBelongings = async (table: Table, job: Job, nowMs: number): Promise<void> => {
  const keys: { pk: string; sk: string }[] = [payloadKey(job.id, job.requestHash)];
  for await (const page of attemptPages(table, job, 1, finishedAttempts(job), 100)) {
    keys.push(
      ...(page.Items ?? []).map((item) => ({ pk: item["pk"]?.S ?? "", sk: item["sk"]?.S ?? "" })),
    );
  }
  const expiresAtSeconds = expiryFrom(table, job, nowMs);
  await Promise.all(keys.map((key) => keepUntil(table, key, expiresAtSeconds)));
};

export const listAttempts = async (
  table: TableAddress,
  job: Job,
  afterN: number,
  limit: number,
): Promise<readonly AttemptRecord[]> => {
  const lastN = finishedAttempts(job);
  if (afterN >= lastN) return [];
  const closed = new Set(job.closedAttempts);
  const attempts: AttemptRecord[] = [];
  // An attempt may stand twice: as its worker saw it, and as it was closed.
  for await (const page of attemptPages(table, job, afterN + 1, lastN, 2 * limit)) {
    for (const item of page.Items ?? []) {
      const { isClosed, ...attempt } = toFailedAttempt(item);
      if (isClosed === closed.has(attempt.n)) attempts.push(attempt);
    }
    if (attempts.length >= limit) return attempts.slice(0, limit);
  }
  return job.success ? [...attempts, successOf(job, lastN)] : attempts;
};

const successOf = ({ success }: Job, n: number): AttemptRecord => {
  if (!success) throw new Error("a job without a success");
  return { n, ...success, status: "success", error: null, responseExcerpt: null };
};

async function* attemptPages(
  table: TableAddress,
  job: Job,
  firstN: number,
  lastN: number,
  pageSize: number,
): AsyncGenerator<QueryCommandOutput> {
  // DynamoDB refuses a range that ends before it begins: a job may be given up unattempted.
  if (lastN < firstN) return;
  let startKey: QueryCommandOutput["LastEvaluatedKey"];
  do {
    const page: QueryCommandOutput = await table.client.send(
      new QueryCommand({
        TableName: table.name,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues: marshall({
          ":pk": jobKey(job.id).pk,
          ":first": attemptSortKey(job, firstN),
          ":last": `${attemptSortKey(job, lastN)}~`,
        }),
        ConsistentRead: true,
        ExclusiveStartKey: startKey,
        Limit: pageSize,
      }),
    );
    yield page;
    startKey = page.LastEvaluatedKey;
  } while (startKey);
}
