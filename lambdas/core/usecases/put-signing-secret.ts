import type { SigningSecrets } from "../attempt-ports.ts";
import type { Chance, Clock } from "../ports.ts";
import { newSecretId } from "../rules/ids.ts";
import { addSecret, NEW_SECRET_BYTES, SigningSecret } from "../rules/signature.ts";
import type { HeldSecret } from "../rules/signature.ts";
import { changeSigningSecrets } from "./change-signing-secrets.ts";

export type PutSecretOutcome =
  { readonly kind: "put"; readonly held: HeldSecret } | { readonly kind: "full" };

/** Adds a secret to a tenant's set, one of ours if none is given. One that it has already stays. */
export const makePutSigningSecret =
  (deps: { readonly secrets: SigningSecrets; readonly clock: Clock; readonly chance: Chance }) =>
  (tenantId: string, given: SigningSecret | undefined): Promise<PutSecretOutcome> => {
    const added: HeldSecret = {
      id: newSecretId(deps.chance.bytes(16)),
      createdAtMs: deps.clock.now(),
      secret: given ?? new SigningSecret(deps.chance.bytes(NEW_SECRET_BYTES)),
    };
    return changeSigningSecrets<PutSecretOutcome>(deps.secrets, tenantId, (secrets) => {
      const result = addSecret(secrets, added);
      switch (result.kind) {
        case "added":
          return { outcome: { kind: "put", held: added }, secrets: result.secrets };
        case "held":
          return { outcome: { kind: "put", held: result.held } };
        case "full":
          return { outcome: { kind: "full" } };
      }
    });
  };
