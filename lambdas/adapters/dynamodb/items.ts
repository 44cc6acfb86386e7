import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { AttentionClass } from "../../core/ports.ts";
import { defaultRetryPolicy } from "../../core/rules/backoff.ts";
import type { RetryPolicy } from "../../core/rules/backoff.ts";
import type {
  Destination,
  Job,
  JobContent,
  JobState,
  Pointer,
  Priority,
  Standing,
} from "../../core/rules/job.ts";
import type { Pace } from "../../core/rules/rate-limit.ts";
import { itemSizeBytes } from "./item-size.ts";
import { attentionKey, byTenantKey, jobIdOf, jobKey } from "./keys.ts";

export type Item = Record<string, AttributeValue>;

/**
 * A job's attributes. DynamoDB bills names with every kilobyte, so they are short, and what has its
 * default is left out: a usual job with a payload of half a kilobyte stays under 1,024 bytes over
 * its whole life, which makes each change of state one write unit.
 */
export interface JobAttributes {
  pk: string;
  sk: string;
  tenant: string;
  type: string;
  /** Priority, unless normal. */
  pri?: Priority;
  url: string;
  method?: Destination["method"];
  /** The destination's name, without the tenant. */
  dst: Uint8Array;
  /** The rate limit: rps, burst, and the name of its bucket if that is not the destination's. */
  pace?: [rps: number, burst: number, bucket?: Uint8Array];
  /** `timeout_ms`, unless 10,000. */
  tmo?: number;
  /** `execute_at` as asked. */
  exec?: number;
  /** The dedupe key. */
  ddk?: string;
  /** `max_attempts`, unless 8. */
  max?: number;
  retry?: RetryPolicy;
  meta?: (readonly [string, string])[];
  /** The request hash. */
  hash: Uint8Array;
  st: JobState;
  gen: number;
  /** Attempts of the present sequence, and of those before it. */
  att: number;
  prev?: number;
  cre: number;
  upd: number;
  due: number;
  /** Lease: the token of its claim, since when, until when. */
  clt?: string;
  cla?: number;
  lse?: number;
  err?: string;
  closed?: number[];
  /** The successful attempt: start, end, HTTP status. */
  ok?: [number, number, number];
  fenced?: number;
  /** Digests of the keys of the latest manual retries. */
  rks?: string[];
  expires_at?: number;
  /** Tokens of the put and of the last result or close, so that a repeated write knows itself. */
  crt?: string;
  wrt?: string;
  /** A small content: body and headers. */
  body?: Uint8Array;
  hdr?: (readonly [string, string])[];
  /** The content is an item of its own. */
  ext?: true;
}

interface TombstoneAttributes {
  made_at: number;
  expires_at: number;
}

interface PointerAttributes {
  /** The job that answered, and when it was created. */
  ptr: string;
  ptc: number;
  /** Token of its put. */
  wrt: string;
  /** When the last message of this id was given up. */
  made_at?: number;
  hash: Uint8Array;
  expires_at: number;
}

export const DEFAULT_TIMEOUT_MS = 10_000;
export const DEFAULT_MAX_ATTEMPTS = 8;

/** What a life adds to a job's item: a claim, a success or an error, an end. */
const GROWTH_BYTES = 200;
/** One write unit. */
const UNIT_BYTES = 1_024;

/** The job's item as it is first put, and the content's own attributes if they do not fit into it. */
export const toJobItem = (
  job: Job,
  content: JobContent,
  createToken: string,
  indexShards: number,
): { readonly item: Item; readonly isContentApart: boolean } => {
  const attributes: JobAttributes = {
    ...jobKey(job.id),
    ...byTenantKey(job.tenantId, job.createdAtMs, job.id, indexShards),
    tenant: job.tenantId,
    type: job.type,
    url: job.destination.url,
    hash: Buffer.from(job.requestHash, "hex"),
    dst: digestIn(job.destinationKey),
    st: job.state,
    gen: job.generation,
    att: job.attempts,
    cre: job.createdAtMs,
    upd: job.updatedAtMs,
    due: job.dueAtMs,
    crt: createToken,
    ...(job.priority === "normal" ? {} : { pri: job.priority }),
    ...(job.destination.method === "POST" ? {} : { method: job.destination.method }),
    ...(job.destination.timeoutMs === DEFAULT_TIMEOUT_MS ? {} : { tmo: job.destination.timeoutMs }),
    ...(job.pace ? { pace: paceAttribute(job.pace, job.destinationKey) } : {}),
    ...(job.executeAtMs === null ? {} : { exec: job.executeAtMs }),
    ...(job.dedupeKey === null ? {} : { ddk: job.dedupeKey }),
    ...(job.maxAttempts === DEFAULT_MAX_ATTEMPTS ? {} : { max: job.maxAttempts }),
    ...(job.retry === defaultRetryPolicy ? {} : { retry: job.retry }),
    ...(job.metadata.length === 0 ? {} : { meta: [...job.metadata] }),
    ...(job.dueAtMs === 0 ? {} : attentionOf(job, "waiting", indexShards)),
  };
  const whole = marshal({ ...attributes, ...plainContent(content) });
  if (itemSizeBytes(whole) + GROWTH_BYTES <= UNIT_BYTES)
    return { item: whole, isContentApart: false };
  return { item: marshal({ ...attributes, ext: true }), isContentApart: true };
};

export const attentionOf = (
  job: Pick<Job, "id" | "tenantId">,
  attention: AttentionClass,
  indexShards: number,
) => attentionKey(attention, job.tenantId, job.id, indexShards);

/** What stands under a job's key; `undefined` and what is expired are absent. */
export const toStanding = (item: Item | undefined, nowMs: number): Standing => {
  if (!item) return { kind: "absent" };
  const attributes = unmarshall(item) as JobAttributes | TombstoneAttributes | PointerAttributes;
  if (attributes.expires_at !== undefined && attributes.expires_at * 1_000 <= nowMs) {
    return { kind: "absent" };
  }
  if ("ptr" in attributes) {
    const requestHash = Buffer.from(attributes.hash).toString("hex");
    return { kind: "pointer", jobId: attributes.ptr, createdAtMs: attributes.ptc, requestHash };
  }
  if ("made_at" in attributes) return { kind: "tombstone", madeAtMs: attributes.made_at };
  return toJob(attributes);
};

const toJob = (attributes: JobAttributes): Job => ({
  kind: "job",
  id: jobIdOf(attributes.pk),
  tenantId: attributes.tenant,
  type: attributes.type,
  priority: attributes.pri ?? "normal",
  destination: {
    url: attributes.url,
    method: attributes.method ?? "POST",
    timeoutMs: attributes.tmo ?? DEFAULT_TIMEOUT_MS,
  },
  destinationKey: nameWith(attributes.tenant, attributes.dst),
  pace: attributes.pace ? paceOf(attributes, attributes.pace) : null,
  executeAtMs: attributes.exec ?? null,
  dedupeKey: attributes.ddk ?? null,
  maxAttempts: attributes.max ?? DEFAULT_MAX_ATTEMPTS,
  retry: attributes.retry ?? defaultRetryPolicy,
  metadata: attributes.meta ?? [],
  requestHash: Buffer.from(attributes.hash).toString("hex"),
  state: attributes.st,
  generation: attributes.gen,
  attempts: attributes.att,
  earlierAttempts: attributes.prev ?? 0,
  createdAtMs: attributes.cre,
  updatedAtMs: attributes.upd,
  dueAtMs: attributes.due,
  lease:
    attributes.clt === undefined || attributes.cla === undefined || attributes.lse === undefined
      ? null
      : { token: attributes.clt, claimedAtMs: attributes.cla, untilMs: attributes.lse },
  lastError: attributes.err ?? null,
  closedAttempts: attributes.closed ?? [],
  success: attributes.ok
    ? {
        startedAtMs: attributes.ok[0],
        finishedAtMs: attributes.ok[1],
        httpStatus: attributes.ok[2],
      }
    : null,
  fenced: attributes.fenced ?? 0,
  retryKeys: attributes.rks ?? [],
  expiresAtMs: attributes.expires_at === undefined ? null : attributes.expires_at * 1_000,
});

/** Names of destinations and buckets are a tenant, `#` and a digest, which is half as long in bytes. */
const digestIn = (name: string): Uint8Array =>
  Buffer.from(name.slice(name.indexOf("#") + 1), "base64url");

const nameWith = (tenantId: string, digest: Uint8Array): string =>
  `${tenantId}#${Buffer.from(digest).toString("base64url")}`;

const paceAttribute = (
  { rps, burst, bucket }: Pace,
  destinationKey: string,
): NonNullable<JobAttributes["pace"]> =>
  bucket === destinationKey ? [rps, burst] : [rps, burst, digestIn(bucket)];

const paceOf = (
  { tenant, dst }: JobAttributes,
  [rps, burst, bucket = dst]: NonNullable<JobAttributes["pace"]>,
): Pace => ({ bucket: nameWith(tenant, bucket), rps, burst });

/** The content that rides in a job's item; `null` if it is an item of its own. */
export const toRidingContent = (item: Item): JobContent | null => {
  const { ext, body, hdr } = unmarshall(item) as JobAttributes;
  return ext ? null : { body: body ?? null, headers: hdr ?? [] };
};

export const toPointerItem = (
  key: { readonly pk: string; readonly sk: string },
  pointer: Omit<Pointer, "kind">,
  expiresAtSeconds: number,
  token: string,
): Item => {
  const attributes: PointerAttributes = {
    ptr: pointer.jobId,
    ptc: pointer.createdAtMs,
    hash: Buffer.from(pointer.requestHash, "hex"),
    expires_at: expiresAtSeconds,
    wrt: token,
  };
  return marshal({ ...key, ...attributes });
};

export const plainContent = ({
  body,
  headers,
}: JobContent): Pick<JobAttributes, "body" | "hdr"> => ({
  ...(body ? { body } : {}),
  ...(headers.length === 0 ? {} : { hdr: [...headers] }),
});

export const marshal = (attributes: object): Item =>
  marshall(attributes, { removeUndefinedValues: true });
