/** What a tenant's webhooks are signed with, as on the wire. */

export interface SigningSecretRequest {
  readonly tenant_id: string;
  /** Base 64 of 24 to 64 bytes, with `whsec_` before it or without. Left out: a new one is made. */
  readonly secret?: string | undefined;
}

export interface PutSigningSecret {
  readonly id: string;
  /** `whsec_…`, for the receiver: nothing shows it again. */
  readonly secret: string;
  readonly created_at: string;
}

export interface SigningSecret {
  readonly id: string;
  readonly created_at: string;
  /** How it ends. */
  readonly hint: string;
}

export interface DeletedSigningSecret {
  readonly id: string;
  readonly deleted: true;
}

/** Made here and not by the API, so that a repeat puts the same one again and adds no second. */
export const newSigningSecret = (): string =>
  `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
