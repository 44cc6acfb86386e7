import { Problem } from "../errors.ts";
import type { SigningSecrets } from "../attempt-ports.ts";
import type { HeldSecret } from "../rules/signature.ts";

/** More than can be lost in a row to other changes of one set, as its changes are made by people. */
const TRIES = 20;

/**
 * Changes a tenant's set as it stands, once more for each time that somebody else was faster: two
 * changes at once both stand.
 *
 * @param change what becomes of a set, or only an outcome if nothing does
 */
export const changeSigningSecrets = async <O>(
  store: SigningSecrets,
  tenantId: string,
  change: (secrets: readonly HeldSecret[]) => {
    readonly outcome: O;
    readonly secrets?: readonly HeldSecret[];
  },
): Promise<O> => {
  let seen = await store.read(tenantId);
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const { outcome, secrets } = change(seen.secrets);
    if (!secrets) return outcome;
    const written = await store.replace(tenantId, seen, secrets);
    if (written.kind === "replaced") return outcome;
    seen = written.found;
  }
  throw new Problem("unavailable", "Too many changes of these secrets at once; send it again.", {
    retryAfterSeconds: 1,
  });
};
