import type { ZodOpenApiPathItemObject } from "zod-openapi";
import { secretRequest } from "../../../lambdas/contract/signing-secrets.ts";
import * as views from "../../../lambdas/contract/views.ts";
import type {
  DeletedSecretView,
  PutSecretView,
  SecretListView,
} from "../../../lambdas/contract/views.ts";
import { anyRequest, secretOfTenant, secretsOfTenant } from "./parameters.ts";
import { headers, invalidState, refusalsOf } from "./responses.ts";

const id = "sec_3M8XQ2V7C1D9K5R0T4W6Y8Z1BE";
const created_at = "2026-11-01T12:00:00.000Z";
/** The one of the specification's own example. */
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const put: PutSecretView = { id, secret, created_at };
const list: SecretListView = { items: [{ id, created_at, hint: "whsec_…LaSw" }] };
const deleted: DeletedSecretView = { id, deleted: true };

const answer = (
  description: string,
  schema: (typeof views)[keyof typeof views],
  value: object,
) => ({
  description,
  headers: headers.ours,
  content: { "application/json": { schema, examples: { typical: { value } } } },
});

const signed = { tags: ["Signatures"], security: [{ sigv4: [] }, {}] };

/** All three at one path: a secret is one of its tenant's set. */
export const signingSecrets: ZodOpenApiPathItemObject = {
  put: {
    operationId: "putSigningSecret",
    summary: "Add a secret to those that a tenant's webhooks are signed with",
    description:
      "All secrets of a tenant are valid at once, ten at most: every attempt that begins after the answer carries a signature of each, newest first (Standard Webhooks, `webhook-signature`). A secret that is there already stays as it is, and is answered the same again; without `secret` each call makes another one. Only this answer shows the secret.",
    ...signed,
    requestParams: { header: anyRequest },
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: secretRequest.meta({ id: "SigningSecretRequest" }),
          examples: {
            ours: { summary: "One that PulseGate makes", value: { tenant_id: "acme" } },
            theirs: {
              summary: "One that the receiver has already",
              value: { tenant_id: "acme", secret },
            },
          },
        },
      },
    },
    responses: {
      200: answer("The tenant's webhooks are signed with it from now on.", views.putSecret, put),
      409: invalidState,
      ...refusalsOf(403, 415),
    },
  },
  get: {
    operationId: "listSigningSecrets",
    summary: "List a tenant's signing secrets, newest first",
    description: "How each ends is shown, never a secret: one that is lost is replaced.",
    ...signed,
    requestParams: { header: anyRequest, query: secretsOfTenant },
    responses: {
      200: answer("All of them.", views.secretList, list),
      ...refusalsOf(403),
    },
  },
  delete: {
    operationId: "deleteSigningSecret",
    summary: "Withdraw a signing secret",
    description:
      "No attempt that begins after the answer is signed with it, also of jobs that wait already. A repeat is 404, as the secret is gone.",
    ...signed,
    requestParams: { header: anyRequest, query: secretOfTenant },
    responses: {
      200: answer("It is withdrawn.", views.deletedSecret, deleted),
      ...refusalsOf(403, 404),
    },
  },
};
