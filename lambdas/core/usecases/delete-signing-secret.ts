import type { SigningSecrets } from "../attempt-ports.ts";
import { changeSigningSecrets } from "./change-signing-secrets.ts";

export type DeleteSecretOutcome = { readonly kind: "deleted" } | { readonly kind: "unknown" };

/** Takes a secret out of a tenant's set: no attempt that begins after the answer is signed by it. */
export const makeDeleteSigningSecret =
  ({ secrets: store }: { readonly secrets: SigningSecrets }) =>
  (tenantId: string, id: string): Promise<DeleteSecretOutcome> =>
    changeSigningSecrets<DeleteSecretOutcome>(store, tenantId, (secrets) =>
      secrets.some((secret) => secret.id === id)
        ? {
            outcome: { kind: "deleted" },
            secrets: secrets.filter((secret) => secret.id !== id),
          }
        : { outcome: { kind: "unknown" } },
    );
