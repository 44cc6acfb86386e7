import { describe, expect, it } from "vitest";
import {
  MAX_BATCH_BYTES,
  isBatchItem,
  parseBatchRequest,
} from "../../../lambdas/contract/batch-request.ts";
import { readJsonBody } from "../../../lambdas/contract/request-body.ts";
import { Problem } from "../../../lambdas/core/errors.ts";
import { parseAllowList } from "../../../lambdas/core/rules/destination-policy.ts";
import { NOW_MS } from "../support/a-job.ts";
import { minimalJob, parseText } from "../support/job-requests.ts";
import { refusalOf } from "../support/refusal.ts";

const allow = parseAllowList("");
const parse = (body: string) =>
  parseBatchRequest(
    readJsonBody(
      { headers: { "content-type": "application/json" }, body, isBase64Encoded: false },
      MAX_BATCH_BYTES,
      isBatchItem,
    ),
    { nowMs: NOW_MS, allow },
  );

const job = JSON.stringify(minimalJob);
const batchOf = (...items: readonly string[]) => parse(`{"jobs":[${items.join(", ")}]}`);
const refusedItem = (text: string) =>
  refusalOf(() => {
    const [item] = batchOf(text);
    if (item instanceof Problem) throw item;
  });

describe("a batch", () => {
  it("holds 1 to 100 jobs, in their order", () => {
    const items = Array.from({ length: 100 }, (_, index) =>
      JSON.stringify({ ...minimalJob, tenant_id: `t${index}` }),
    );
    const tenants = batchOf(...items).map((item) =>
      item instanceof Problem ? item.code : item.request.tenantId,
    );
    expect(tenants).toEqual(Array.from({ length: 100 }, (_, index) => `t${index}`));
    expect(refusalOf(() => batchOf(...items, job)).where).toEqual(["/jobs"]);
    expect(refusalOf(() => batchOf()).where).toEqual(["/jobs"]);
  });

  it.each([
    ["[]", [""]],
    ["{}", ["/jobs"]],
    ['{"jobs":{}}', ["/jobs"]],
    ['{"jobs":null}', ["/jobs"]],
    [`{"jobs":[${job}],"nope":1}`, ["/nope"]],
    [`{"jobs":[${job}],"__proto__":1}`, ["/__proto__"]],
    [`{"jobs":[${job}],"jobs":[${job}]}`, ["/jobs"]],
    ['{"jobs":[],"nope":"\\ud800"}', ["/jobs", "/nope", "/nope"]],
  ])("is refused as a whole for a fault of its envelope: %s", (body, pointers) => {
    expect(refusalOf(() => parse(body)).where.toSorted()).toEqual(pointers);
  });

  it("may have 3 MiB and not one byte more", () => {
    const padded = (bytes: number) => `{"jobs":[${job}]}`.padEnd(bytes);
    expect(parse(padded(3_145_728))).toHaveLength(1);
    expect(refusalOf(() => parse(padded(3_145_729))).code).toBe("payload_too_large");
  });
});

describe("an item of a batch", () => {
  it("is read as the same job alone would be, its payload byte for byte", () => {
    const text = `{"payload": {"n":82025227314455255420, "w":1.0,"k":1,"k":2} ,${job.slice(1)}`;
    const [alone, item] = [parseText(text), batchOf(job, text)[1]];
    expect(item).toEqual(alone);
  });

  it("is refused alone, with pointers of its own", () => {
    const items = batchOf(job, "{}", job, "null", `{"nope":1,${job.slice(1)}`);
    expect(items.map((item) => item instanceof Problem)).toEqual([false, true, false, true, true]);
    expect(refusedItem("{}").where).toEqual(["/tenant_id", "/type", "/destination"]);
    expect(refusedItem("null").where).toEqual([""]);
    expect(refusedItem(`{"nope":1,${job.slice(1)}`).where).toEqual(["/nope"]);
  });

  it.each([
    [`{"type":"a",${job.slice(1)}`, ["/type"]],
    [`{"metadata":{"a":"\\ud800"},${job.slice(1)}`, ["/metadata/a"]],
    [`{"payload":1,"payload":2,${job.slice(1)}`, ["/payload"]],
  ])("is refused alone for what a parser hides: %s", (text, pointers) => {
    expect(refusedItem(text)).toMatchObject({ code: "invalid_input", where: pointers });
  });

  it("is refused alone when its payload is too large", () => {
    const large = `{"payload":"${"a".repeat(262_144)}",${job.slice(1)}`;
    const [first, second] = batchOf(job, large);
    expect(first).not.toBeInstanceOf(Problem);
    expect(second).toMatchObject({ code: "payload_too_large" });
  });
});
