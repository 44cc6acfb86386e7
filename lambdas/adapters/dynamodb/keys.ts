import type { AttentionClass } from "../../core/ports.ts";
import type { Job } from "../../core/rules/job.ts";
import { hashOfParts, shardOf } from "../../core/rules/ids.ts";

/** Keys of the one table. Tenants and ids hold no `#`, so no two keys can run into each other. */

export const jobKey = (jobId: string) => ({ pk: `JOB#${jobId}`, sk: "JOB" });

export const payloadKey = (jobId: string, requestHash: string) => ({
  pk: `JOB#${jobId}`,
  sk: `PAYLOAD#${requestHash}`,
});

/**
 * A failed attempt, twice if need be: as its worker saw it, and as it was closed when that worker
 * was not heard of. Neither can write over the other; the job says which one counts.
 */
export const attemptKey = (job: AttemptOwner, n: number, kind: "result" | "closed") => ({
  pk: `JOB#${job.id}`,
  sk: `${attemptSortKey(job, n)}#${kind}`,
});

/**
 * With the job's creation in it: under an idempotency key a new job may have the id of one that is
 * forgotten, whose attempts stand for a while longer. Six digits, since manual retries go on counting.
 */
export const attemptSortKey = ({ createdAtMs }: AttemptOwner, n: number): string =>
  `ATTEMPT#${createdAtMs}#${String(n).padStart(6, "0")}`;

type AttemptOwner = Pick<Job, "id" | "createdAtMs">;

export const jobIdOf = (partitionKey: string): string => partitionKey.slice("JOB#".length);

/** What holds a dedupe key for a tenant, by a digest: the key may be longer than DynamoDB's. */
export const dedupeKey = (tenantId: string, key: string) => ({
  pk: `DEDUPE#${tenantId}#${hashOfParts(key).toString("base64url")}`,
  sk: "DEDUPE",
});

/** What a tenant signs with, all of it. */
export const signingKey = (tenantId: string) => ({ pk: `SIGNING#${tenantId}`, sk: "SIGNING" });

/** A token bucket, by its name, which begins with its tenant. */
export const bucketKey = (bucket: string) => ({ pk: `BUCKET#${bucket}`, sk: "BUCKET" });

/** Until when a destination is left alone, by its name, which begins with its tenant. */
export const holdKey = (destinationKey: string) => ({ pk: `HOLD#${destinationKey}`, sk: "HOLD" });

/** Index `by_tenant`: all jobs of a tenant, by their creation. */
export const byTenantKey = (
  tenantId: string,
  createdAtMs: number,
  jobId: string,
  shards: number,
) => ({
  tpk: tenantPartition(tenantId, shardOf(jobId, shards)),
  tsk: `${String(createdAtMs).padStart(14, "0")}#${jobId}`,
});

/** Index `needs_attention`: the rare jobs of a tenant, so that a list never reads the others. */
export const attentionKey = (
  attention: AttentionClass,
  tenantId: string,
  jobId: string,
  shards: number,
) => ({ npk: attentionPartition(attention, tenantId, shardOf(jobId, shards)) });

export const tenantPartition = (tenantId: string, shard: number): string => `${tenantId}#${shard}`;

export const attentionPartition = (
  attention: AttentionClass,
  tenantId: string,
  shard: number,
): string => `${attention}#${tenantId}#${shard}`;
