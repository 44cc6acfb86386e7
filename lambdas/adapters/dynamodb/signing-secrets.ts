import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { SecretSet, SigningSecrets } from "../../core/attempt-ports.ts";
import { SigningSecret } from "../../core/rules/signature.ts";
import type { Item } from "./items.ts";
import { signingKey } from "./keys.ts";
import { getItem, putItemIf } from "./table.ts";
import type { TableAddress } from "./table.ts";

/**
 * A tenant's signing secrets in one item, so that an attempt reads all of them at once and a change
 * is one conditional write. The last change's token (`wrt`) is the revision that the next one demands.
 * An emptied set stays: a revision never comes again.
 *
 * @param newToken a new, unique token for every call
 */
export const makeSigningSecrets = (
  table: TableAddress,
  newToken: () => string,
): SigningSecrets => ({
  read: sharingReads(async (tenantId) => toSecretSet(await getItem(table, signingKey(tenantId)))),

  async replace(tenantId, { revision }, secrets) {
    const token = { attribute: "wrt", value: newToken() };
    const item = marshall({
      ...signingKey(tenantId),
      secrets: secrets.map(({ id, createdAtMs, secret }) => ({
        id,
        at: createdAtMs,
        key: secret.reveal(),
      })),
      wrt: token.value,
    });
    const isTheOneSeen = revision === undefined ? "attribute_not_exists(pk)" : "wrt = :seen";
    const seen = revision === undefined ? undefined : { ":seen": revision };
    const written = await putItemIf(table, item, isTheOneSeen, seen, token);
    return written.kind === "written"
      ? { kind: "replaced" }
      : { kind: "refused", found: toSecretSet(written.item) };
  },
});

interface Stored {
  readonly secrets: readonly {
    readonly id: string;
    readonly at: number;
    readonly key: Uint8Array;
  }[];
  readonly wrt: string;
}

const toSecretSet = (item: Item | undefined): SecretSet => {
  if (!item) return { secrets: [], revision: undefined };
  const { secrets, wrt } = unmarshall(item) as Stored;
  return {
    secrets: secrets.map(({ id, at, key }) => ({
      id,
      createdAtMs: at,
      secret: new SigningSecret(key),
    })),
    revision: wrt,
  };
};

/**
 * One read a tenant at a time: whoever asks while one is under way waits for the next, and all of
 * them share it. So a batch of one tenant's jobs costs two reads instead of ten, and nobody is
 * answered by a read that began before the question.
 */
const sharingReads = <T>(read: (key: string) => Promise<T>): ((key: string) => Promise<T>) => {
  const underWay = new Map<string, Promise<T>>();
  const next = new Map<string, Promise<T>>();

  const begin = async (key: string): Promise<T> => {
    next.delete(key);
    const reading = read(key);
    underWay.set(key, reading);
    try {
      return await reading;
    } finally {
      if (underWay.get(key) === reading) underWay.delete(key);
    }
  };
  return (key) => {
    const waiting = next.get(key);
    if (waiting) return waiting;
    const before = underWay.get(key);
    if (!before) return begin(key);
    const shared = before.then(
      () => begin(key),
      () => begin(key),
    );
    next.set(key, shared);
    return shared;
  };
};
