import { describe, expect, it } from "vitest";
import { listCursor, parseListQuery } from "../../../lambdas/contract/list-query.ts";
import { refusalOf } from "../support/refusal.ts";

const secret = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(12).fill(9);
const parse = (raw: string) => parseListQuery(raw, secret);
const refusedAt = (raw: string) => refusalOf(() => parse(raw)).where.toSorted();

describe("a query for a tenant's jobs", () => {
  it("needs no more than the tenant", () => {
    expect(parse("tenant_id=t1")).toEqual({
      tenantId: "t1",
      status: undefined,
      type: undefined,
      limit: 50,
      before: undefined,
    });
  });

  it.each([
    "pending",
    "scheduled",
    "queued",
    "processing",
    "success",
    "failed",
    "dlq",
    "cancelled",
  ])("may ask for the status %s", (status) => {
    expect(parse(`tenant_id=t1&status=${status}&type=a.b&limit=100`)).toMatchObject({
      status,
      type: "a.b",
      limit: 100,
    });
  });

  it.each([
    ["", ["tenant_id"]],
    ["tenant_id=", ["tenant_id"]],
    ["tenant_id=a%20b", ["tenant_id"]],
    ["tenant_id=t1&tenant_id=t2", ["tenant_id"]],
    ["tenant_id=t1&status=done", ["status"]],
    ["tenant_id=t1&status=Failed", ["status"]],
    ["tenant_id=t1&status=failed,dlq", ["status"]],
    ["tenant_id=t1&status=failed&status=dlq", ["status"]],
    ["tenant_id=t1&type=a%20b", ["type"]],
    ["tenant_id=t1&limit=0", ["limit"]],
    ["tenant_id=t1&limit=101", ["limit"]],
    ["tenant_id=t1&cursor=x", ["cursor"]],
    ["tenant_id=t1&page=2", ["page"]],
    ["status=done&limit=0&type=a%20b", ["limit", "status", "tenant_id", "type"]],
    ["tenant_id=t1&limit=0&cursor=x", ["cursor", "limit"]],
    ["page=2&limit=0", ["limit", "page", "tenant_id"]],
  ])("is refused with every mistake named: %j", (raw, parameters) => {
    expect(refusedAt(raw)).toEqual(parameters);
  });
});

describe("the cursor of a list of jobs", () => {
  const query = "tenant_id=t1&status=failed&type=a.b";
  const cursorOf = (raw: string) =>
    listCursor(parse(raw), "00001700000000000#job_1", secret, nonce);

  it("brings back where the page ended, whatever the next one's limit", () => {
    for (const limit of ["", "&limit=1", "&limit=100"]) {
      expect(parse(`${query}${limit}&cursor=${cursorOf(query)}`).before).toBe(
        "00001700000000000#job_1",
      );
    }
  });

  it("is null at the end", () => {
    expect(listCursor(parse(query), undefined, secret, nonce)).toBeNull();
  });

  it.each([
    "tenant_id=t2&status=failed&type=a.b",
    "tenant_id=t1&status=dlq&type=a.b",
    "tenant_id=t1&status=failed&type=a.c",
    "tenant_id=t1&status=failed",
    "tenant_id=t1&type=a.b",
    "tenant_id=t1",
  ])("is none of the list %s", (other) => {
    expect(refusedAt(`${other}&cursor=${cursorOf(query)}`)).toEqual(["cursor"]);
    expect(refusedAt(`${query}&cursor=${cursorOf(other)}`)).toEqual(["cursor"]);
  });
});
