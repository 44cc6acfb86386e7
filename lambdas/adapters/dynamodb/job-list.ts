import { BatchGetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { JobList } from "../../core/ports.ts";
import type { Job } from "../../core/rules/job.ts";
import { toStanding } from "./items.ts";
import type { Item } from "./items.ts";
import { attentionPartition, jobIdOf, jobKey, tenantPartition } from "./keys.ts";
import { backOff } from "./table.ts";
import type { Table } from "./table.ts";

/** DynamoDB reads so many items in one call. */
const BATCH_GET_LIMIT = 100;
const BATCH_GET_TRIES = 8;

/** The query of one page: every shard's newest rows, merged, and the jobs behind them. */
export const makeDynamoJobList = (table: Omit<Table, "retentionMs">): JobList => ({
  async page({ tenantId, attention, before, limit, nowMs }) {
    const shards = Array.from({ length: table.indexShards }, (_, shard) => shard);
    const rows = await Promise.all(
      shards.map((shard) =>
        attention === undefined
          ? queryIndex(table, "by_tenant", "tpk", tenantPartition(tenantId, shard), before, limit)
          : queryIndex(
              table,
              "needs_attention",
              "npk",
              attentionPartition(attention, tenantId, shard),
              before,
              limit,
            ),
      ),
    );
    const newestFirst = rows.flat().toSorted((a, b) => (a.position < b.position ? 1 : -1));
    const page = newestFirst.slice(0, limit);
    const byId = await readJobs(
      table,
      page.map(({ id }) => id),
      nowMs,
    );
    // Every shard gave as many rows as the page is long, so fewer than a page is all there is.
    const isMore = newestFirst.length >= limit;
    return {
      jobs: page.flatMap(({ id, position }) => {
        const job = byId.get(id);
        return job ? [{ job, position }] : [];
      }),
      next: isMore ? page.at(-1)?.position : undefined,
    };
  },
});

interface Row {
  readonly id: string;
  /** The index's sort key: the time of creation, and the id. */
  readonly position: string;
}

const queryIndex = async (
  table: Omit<Table, "retentionMs">,
  index: "by_tenant" | "needs_attention",
  partitionKey: "tpk" | "npk",
  partition: string,
  before: string | undefined,
  limit: number,
): Promise<readonly Row[]> => {
  const { Items: items = [] } = await table.client.send(
    new QueryCommand({
      TableName: table.name,
      IndexName: index,
      KeyConditionExpression: `${partitionKey} = :pk${before === undefined ? "" : " AND tsk < :before"}`,
      ExpressionAttributeValues: marshall({
        ":pk": partition,
        ...(before === undefined ? {} : { ":before": before }),
      }),
      ScanIndexForward: false,
      Limit: limit,
    }),
  );
  return items.map((item) => ({
    id: jobIdOf(item["pk"]?.S ?? ""),
    position: item["tsk"]?.S ?? "",
  }));
};

/** Asks again for what DynamoDB leaves unprocessed, for a while. */
const readJobs = async (
  table: Omit<Table, "retentionMs">,
  ids: readonly string[],
  nowMs: number,
): Promise<ReadonlyMap<string, Job>> => {
  const jobs = new Map<string, Job>();
  const keep = (item: Item) => {
    const standing = toStanding(item, nowMs);
    if (standing.kind === "job") jobs.set(standing.id, standing);
  };
  for (let first = 0; first < ids.length; first += BATCH_GET_LIMIT) {
    let keys: Item[] = ids.slice(first, first + BATCH_GET_LIMIT).map((id) => marshall(jobKey(id)));
    for (let tries = 1; keys.length > 0; tries += 1) {
      if (tries > BATCH_GET_TRIES) throw new Error(`${keys.length} jobs could not be read`);
      if (tries > 1) await backOff(table, tries);
      const { Responses: responses, UnprocessedKeys: unprocessed } = await table.client.send(
        new BatchGetItemCommand({ RequestItems: { [table.name]: { Keys: keys } } }),
      );
      for (const item of responses?.[table.name] ?? []) keep(item);
      keys = unprocessed?.[table.name]?.Keys ?? [];
    }
  }
  return jobs;
};
