import { createHash } from "node:crypto";

/** Crockford's base 32: no letter that is mistaken for another. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const JOB_ID = /^job_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether this could be a job's id; anything else is an unknown job. */
export const isJobId = (text: string): boolean => JOB_ID.test(text);

/**
 * The id of a job without an idempotency key: a ULID, so ids sort by their creation.
 *
 * @see https://github.com/ulid/spec
 * @param random 10 random bytes
 */
export const newJobId = (nowMs: number, random: Uint8Array): string => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(nowMs) << 16n);
  bytes.set(random.subarray(0, 10), 6);
  return `job_${base32(bytes)}`;
};

/**
 * The id of a job with an idempotency key: derived from it, so that one conditional put is both the
 * job and the check. Parts are hashed with their length before them: tenant `ab` with key `c` is
 * not tenant `a` with key `bc`.
 *
 * @param batchItem the job's place in a batch; a batch's jobs have ids that no single request reaches
 */
export const keyedJobId = (
  tenantId: string,
  idempotencyKey: string,
  batchItem?: number,
): string => {
  const space = batchItem === undefined ? ["idempotency-key"] : ["batch", String(batchItem)];
  const digest = hashOfParts(...space, tenantId, idempotencyKey);
  return `job_${base32(digest.subarray(0, 16))}`;
};

/**
 * The id of a signing secret: chance, not a hash of it, by which a guess at a weak one could be tried.
 *
 * @param random 16 random bytes
 */
export const newSecretId = (random: Uint8Array): string => `sec_${base32(random)}`;

/** What a job remembers a manual retry's idempotency key by: short, for it rides in the job. */
export const retryDigestOf = (idempotencyKey: string): string =>
  hashOfParts("retry", idempotencyKey).subarray(0, 9).toString("base64url");

/** SHA-256 over parts that cannot run into each other: each has its length in bytes before it. */
export const hashOfParts = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part, "utf8") : part;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest();
};

/** Spreads keys of one partition evenly over `shards` of them. */
export const shardOf = (id: string, shards: number): number =>
  shards === 1 ? 0 : hashOfParts(id).readUInt32BE(0) % shards;

/** 128 bits as 26 digits, the first of which is below 8. */
const base32 = (bytes: Uint8Array): string => {
  let rest = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (let digit = 0; digit < 26; digit += 1) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return text;
};
