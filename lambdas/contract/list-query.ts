import { Problem } from "../core/errors.ts";
import { openCursor, sealCursor } from "../core/rules/cursor.ts";
import type { ListQuery } from "../core/usecases/list-jobs.ts";
import { jobType, tenantId } from "./job-request.ts";
import { jobStatuses } from "./job-status.ts";
import { parseLimit, scanQuery } from "./query.ts";

/**
 * What of a tenant's jobs is asked for. A cursor belongs to the tenant and the filter that it was
 * given for; the limit may change from page to page.
 *
 * @throws Problem `invalid_input` with every mistake at once
 */
export const parseListQuery = (rawQueryString: string, secret: Uint8Array): ListQuery => {
  const names = ["tenant_id", "status", "type", "limit", "cursor"] as const;
  const { query, mistakes: found } = scanQuery(rawQueryString, names);
  const mistakes = [...found];
  const complain = (parameter: string, detail: string) => void mistakes.push({ parameter, detail });

  const tenant = tenantId.safeParse(query.tenant_id);
  const isNamed = found.some(
    (mistake) => "parameter" in mistake && mistake.parameter === "tenant_id",
  );
  if (query.tenant_id === undefined) {
    if (!isNamed) complain("tenant_id", "is required");
  } else if (!tenant.success) complain("tenant_id", messageOf(tenant.error));
  const status = jobStatuses.find((known) => known === query.status);
  if (query.status !== undefined && !status)
    complain("status", `must be one of ${jobStatuses.join(", ")}`);
  const type = query.type === undefined ? undefined : jobType.safeParse(query.type);
  if (type && !type.success) complain("type", messageOf(type.error));
  const limit = parseLimit(query.limit);
  if (limit === undefined) complain("limit", "must be a whole number from 1 to 100");
  const before =
    query.cursor === undefined ? undefined : openCursor(secret, listOf(query), query.cursor);
  if (query.cursor !== undefined && before === undefined) {
    complain("cursor", "is not a cursor of this list");
  }

  if (mistakes.length > 0 || limit === undefined) {
    throw new Problem("invalid_input", "The query is not valid.", { mistakes });
  }
  return { tenantId: query.tenant_id ?? "", status, type: query.type, limit, before };
};

export const listCursor = (
  { tenantId: tenant_id, status, type }: ListQuery,
  position: string | undefined,
  secret: Uint8Array,
  nonce: Uint8Array,
): string | null =>
  position === undefined
    ? null
    : sealCursor(secret, listOf({ tenant_id, status, type }), position, nonce);

const listOf = (query: {
  tenant_id?: string;
  status?: string | undefined;
  type?: string | undefined;
}) => ["jobs", query.tenant_id, query.status, query.type];

const messageOf = (error: { readonly issues: readonly { readonly message: string }[] }): string =>
  error.issues[0]?.message ?? "is not valid";
