import { createHmac } from "node:crypto";

/**
 * Signatures after Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, by the secrets that a
 * sender shares with its receiver.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

const PREFIX = "whsec_";
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** The length of a secret that we make, in bytes. */
export const NEW_SECRET_BYTES = 32;
/** For a rotation two are enough; a signature of each is sent with every attempt. */
export const MAX_SECRETS = 10;

/** Base 64 in one of its two alphabets, never in both; padded rightly, or not at all. */
const BASE64 = /^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)(?<padding>={0,2})$/;
/**
 * The keys of asymmetric signatures, and the prefix twice or in capitals: URL-safe base 64 would take
 * each for a secret, and another one than was meant.
 */
const OTHER_PREFIX = /^wh(sec|sk|pk)_/i;

/** Prints as `***`, so that a log or an error that gets hold of it shows nothing. */
export class SigningSecret {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    if (key.length < MIN_BYTES || key.length > MAX_BYTES) {
      throw new RangeError(`a signing secret has ${MIN_BYTES} to ${MAX_BYTES} bytes`);
    }
    this.#key = Uint8Array.from(key);
  }

  /** The bytes themselves, for whoever stores them. */
  reveal(): Uint8Array {
    return this.#key;
  }

  /** As a receiver is given it. */
  revealText(): string {
    return `${PREFIX}${Buffer.from(this.#key).toString("base64")}`;
  }

  /** Its last characters, by which its owner tells it from others. */
  hint(): string {
    return `${PREFIX}…${this.revealText().slice(-4)}`;
  }

  equals(other: SigningSecret): boolean {
    return Buffer.from(this.#key).equals(other.#key);
  }

  /** One entry of `webhook-signature`. */
  sign(...parts: readonly (string | Uint8Array)[]): string {
    const hmac = createHmac("sha256", this.#key);
    for (const part of parts) hmac.update(part);
    return `v1,${hmac.digest("base64")}`;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "***";
  }
}

/**
 * A secret as somebody wrote it, or `undefined` if it is none: base 64 of 24 to 64 bytes, after
 * `whsec_` or bare. What has no prefix is base 64, too, as receivers' libraries have it: the bytes of
 * its text would be another key than theirs.
 */
export const parseSigningSecret = (text: string): SigningSecret | undefined => {
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  if (OTHER_PREFIX.test(encoded)) return undefined;
  const padding = BASE64.exec(encoded)?.groups?.["padding"];
  if (padding === undefined) return undefined;
  // One digit of base 64 alone is no byte; a padded text is whole.
  const isWhole = padding === "" ? encoded.length % 4 !== 1 : encoded.length % 4 === 0;
  const key = Buffer.from(encoded, "base64");
  return isWhole && key.length >= MIN_BYTES && key.length <= MAX_BYTES
    ? new SigningSecret(key)
    : undefined;
};

/**
 * The value of `webhook-signature`: one signature a secret, in their order, parted by blanks. None
 * without a secret.
 */
export const signatureOf = (
  secrets: readonly SigningSecret[],
  message: {
    readonly id: string;
    readonly timestamp: string;
    readonly body: Uint8Array | null;
  },
): string | undefined => {
  if (secrets.length === 0) return undefined;
  const { id, timestamp, body } = message;
  return secrets
    .map((secret) => secret.sign(`${id}.${timestamp}.`, body ?? new Uint8Array()))
    .join(" ");
};

/** A secret of a tenant's set. */
export interface HeldSecret {
  readonly id: string;
  readonly createdAtMs: number;
  readonly secret: SigningSecret;
}

export type AddedSecret =
  | { readonly kind: "added"; readonly secrets: readonly HeldSecret[] }
  /** It is in the set already: adding it twice is adding it once. */
  | { readonly kind: "held"; readonly held: HeldSecret }
  | { readonly kind: "full" };

/** The set with one more, newest first. */
export const addSecret = (secrets: readonly HeldSecret[], added: HeldSecret): AddedSecret => {
  const held = secrets.find(({ secret }) => secret.equals(added.secret));
  if (held) return { kind: "held", held };
  if (secrets.length >= MAX_SECRETS) return { kind: "full" };
  return { kind: "added", secrets: [added, ...secrets] };
};
