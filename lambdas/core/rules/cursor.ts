import { createCipheriv, createDecipheriv, createHash } from "node:crypto";

/** The length of a cursor secret, in bytes (AES-256). */
export const CURSOR_SECRET_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals a position into a cursor that shows nothing and that nobody but us can make: AES-256-GCM,
 * with the list that it belongs to as associated data. A cursor of another tenant or another filter
 * does not open.
 *
 * @see https://csrc.nist.gov/pubs/sp/800/38/d/final
 * @param list what the position belongs to, every part of it
 * @param nonce 12 random bytes
 */
export const sealCursor = (
  secret: Uint8Array,
  list: readonly (string | undefined)[],
  position: string,
  nonce: Uint8Array,
): string => {
  const cipher = createCipheriv("aes-256-gcm", secret, nonce);
  cipher.setAAD(identityOf(list));
  const sealed = Buffer.concat([cipher.update(position, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString("base64url");
};

/** The position in a cursor of this very list, or `undefined` if it is none. */
export const openCursor = (
  secret: Uint8Array,
  list: readonly (string | undefined)[],
  cursor: string,
): string | undefined => {
  const bytes = Buffer.from(cursor, "base64url");
  if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString("base64url") !== cursor)
    return undefined;
  const decipher = createDecipheriv("aes-256-gcm", secret, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(identityOf(list));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([opened, decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
};

const identityOf = (list: readonly (string | undefined)[]): Buffer =>
  createHash("sha256")
    .update(JSON.stringify(list.map((part) => part ?? null)))
    .digest();
