import * as z from "zod";
import { Problem } from "../core/errors.ts";
import { parseSigningSecret } from "../core/rules/signature.ts";
import type { HeldSecret, SigningSecret } from "../core/rules/signature.ts";
import { tenantId } from "./job-request.ts";
import { mistakesOf } from "./mistakes.ts";
import { plainText } from "./plain-text.ts";
import { scanQuery } from "./query.ts";
import type { JsonBody } from "./request-body.ts";
import type { PutSecretView, SecretListView } from "./views.ts";

/** Base 64 of 24 to 64 bytes in one alphabet: 8 to 21 groups of four digits, and the rest. */
const base64Of = (digit: string): string =>
  `(${digit}{4}){8,20}(${digit}{2}(==)?|${digit}{3}=?)?|(${digit}{4}){21}(${digit}{2}(==)?)?`;

const secret = z
  .string()
  .transform((text, context): SigningSecret => {
    const parsed = parseSigningSecret(text);
    if (parsed) return parsed;
    // What was sent is not shown: it may be a secret all the same, with a blank too many.
    context.addIssue({
      code: "custom",
      message: "must be whsec_ and base 64 of 24 to 64 bytes",
    });
    return z.NEVER;
  })
  .meta({
    description:
      "Base 64 of 24 to 64 bytes; `whsec_` before it, padding and the URL-safe alphabet are optional. Left out: 32 random bytes of ours.",
    type: "string",
    format: "password",
    pattern: `^(whsec_)?(${base64Of("[A-Za-z0-9+/]")}|${base64Of("[A-Za-z0-9_-]")})$`,
  });

/** A secret as a caller adds it. */
export const secretRequest = z.strictObject({ tenant_id: tenantId, secret: secret.optional() });

/** @throws Problem `invalid_input` with every mistake at once */
export const parseSecretRequest = (
  body: JsonBody,
): { readonly tenantId: string; readonly secret: SigningSecret | undefined } => {
  const parsed = secretRequest.safeParse(body.value, { error: plainText });
  const mistakes = [...body.mistakes, ...(parsed.success ? [] : mistakesOf(parsed.error))];
  if (!parsed.success || mistakes.length > 0) {
    throw new Problem("invalid_input", "The signing secret is not valid.", { mistakes });
  }
  return { tenantId: parsed.data.tenant_id, secret: parsed.data.secret };
};

/** Whose secrets are asked for. @throws Problem `invalid_input` */
export const parseTenantQuery = (rawQueryString: string): string =>
  parseSecretsQuery(rawQueryString, ["tenant_id"]).tenant_id;

/** Which secret is meant. @throws Problem `invalid_input` with every mistake at once */
export const parseSecretIdQuery = (
  rawQueryString: string,
): { readonly tenantId: string; readonly id: string } => {
  const { tenant_id, id } = parseSecretsQuery(rawQueryString, ["tenant_id", "id"]);
  return { tenantId: tenant_id, id };
};

/** Every name is required; what is no tenant is refused, and an id may look like anything. */
const parseSecretsQuery = <N extends "tenant_id" | "id">(
  rawQueryString: string,
  names: readonly N[],
): Record<N, string> => {
  const { query, mistakes: found } = scanQuery<N>(rawQueryString, names);
  const told = new Set(found.map((mistake) => ("parameter" in mistake ? mistake.parameter : "")));
  const missing = names.filter((name) => query[name] === undefined && !told.has(name));
  const tenant = tenantId.safeParse(Reflect.get(query, "tenant_id"));
  const isWrongTenant = !tenant.success && Reflect.get(query, "tenant_id") !== undefined;
  const mistakes = [
    ...found,
    ...missing.map((parameter) => ({ parameter, detail: "is required" })),
    ...(isWrongTenant
      ? [{ parameter: "tenant_id", detail: tenant.error.issues[0]?.message ?? "is not valid" }]
      : []),
  ];
  if (mistakes.length > 0) {
    throw new Problem("invalid_input", "The query is not valid.", { mistakes });
  }
  return query as Record<N, string>;
};

/** The one answer that shows a secret. */
export const putSecretView = ({ id, createdAtMs, secret: shown }: HeldSecret): PutSecretView => ({
  id,
  secret: shown.revealText(),
  created_at: new Date(createdAtMs).toISOString(),
});

export const secretListView = (secrets: readonly HeldSecret[]): SecretListView => ({
  items: secrets.map(({ id, createdAtMs, secret: hidden }) => ({
    id,
    created_at: new Date(createdAtMs).toISOString(),
    hint: hidden.hint(),
  })),
});
