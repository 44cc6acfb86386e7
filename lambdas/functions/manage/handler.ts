import { readQuery } from "../../contract/query.ts";
import { MAX_BODY_BYTES, readJsonBody } from "../../contract/request-body.ts";
import {
  parseSecretIdQuery,
  parseSecretRequest,
  parseTenantQuery,
  putSecretView,
  secretListView,
} from "../../contract/signing-secrets.ts";
import { together } from "../../contract/together.ts";
import type { DeletedSecretView } from "../../contract/views.ts";
import { Problem } from "../../core/errors.ts";
import type { SigningSecrets } from "../../core/attempt-ports.ts";
import { MAX_SECRETS } from "../../core/rules/signature.ts";
import type { makeDeleteSigningSecret } from "../../core/usecases/delete-signing-secret.ts";
import type { makePutSigningSecret } from "../../core/usecases/put-signing-secret.ts";
import { httpApi } from "../../middleware/http.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";

export interface Deps {
  readonly telemetry: Telemetry;
  readonly secrets: Pick<SigningSecrets, "read">;
  readonly putSecret: ReturnType<typeof makePutSigningSecret>;
  readonly deleteSecret: ReturnType<typeof makeDeleteSigningSecret>;
}

/** What a tenant sets up once, as opposed to its jobs. */
export const makeHandler = ({ telemetry, secrets, putSecret, deleteSecret }: Deps) =>
  httpApi(telemetry, {
    "PUT /v1/signing-secrets": async (request) => {
      const body = readJsonBody(request, MAX_BODY_BYTES, () => false);
      const [{ tenantId, secret }] = together(
        () => parseSecretRequest(body),
        () => readQuery(request.rawQueryString, []),
      );
      const outcome = await putSecret(tenantId, secret);
      if (outcome.kind === "full") {
        throw new Problem(
          "invalid_state",
          `The tenant has ${MAX_SECRETS} signing secrets already: delete one first.`,
        );
      }
      return {
        status: 200,
        body: putSecretView(outcome.held),
        about: { tenant_id: tenantId, secret_id: outcome.held.id },
      };
    },

    "GET /v1/signing-secrets": async ({ rawQueryString }) => {
      const tenantId = parseTenantQuery(rawQueryString);
      return { status: 200, body: secretListView((await secrets.read(tenantId)).secrets) };
    },

    "DELETE /v1/signing-secrets": async ({ rawQueryString }) => {
      const { tenantId, id } = parseSecretIdQuery(rawQueryString);
      const outcome = await deleteSecret(tenantId, id);
      if (outcome.kind === "unknown") {
        throw new Problem("not_found", "The tenant has no such signing secret.");
      }
      return {
        status: 200,
        body: { id, deleted: true } satisfies DeletedSecretView,
        about: { tenant_id: tenantId, secret_id: id },
      };
    },
  });
