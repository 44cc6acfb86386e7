import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check, fuzzed, runtimeUnderFuzz } from "../support/fuzzing.ts";
import { faultsBy, openApi, operationOf, operations, resolved } from "../support/openapi.ts";
import type { Parameter } from "../support/openapi.ts";
import { valuesOf } from "../support/schema-values.ts";

/**
 * Queries, headers and paths made from the API's description. What it permits is answered, what is
 * wrong is refused by name, and nothing finds a 5xx or an answer that is not described.
 */
const { ask, post } = runtimeUnderFuzz();
const DAY_MS = 86_400_000;

describe("A query", () => {
  const reads = operations.filter(({ method }) => method === "GET");
  const withQuery = reads.flatMap(({ path, operation: { parameters = [] } }) => {
    const query = parameters
      .map((one) => resolved(one) as Parameter)
      .filter((one) => one.in === "query");
    return query.length === 0 ? [] : [{ path, query }];
  });

  it("is answered if the description permits it, else refused by name", fuzzed, async () => {
    const { text } = await post(
      "/v1/jobs",
      JSON.stringify({ tenant_id: "t", type: "t", destination: { url: "http://127.0.0.1:1/" } }),
    );
    const { id } = JSON.parse(text) as { readonly id: string };
    for (const { path, query } of withQuery) {
      const known = query.filter(({ name }) => name !== "cursor");
      const values = valuesOf({
        type: "object",
        properties: Object.fromEntries(known.map((one) => [one.name, one.schema])),
        required: known.filter(({ required }) => required).map(({ name }) => name),
        additionalProperties: false,
      }) as fc.Arbitrary<Readonly<Record<string, unknown>>>;
      const urlOf = (given: Readonly<Record<string, unknown>>, more = "") => {
        const pairs = Object.entries(given).map(([name, value]) => [name, String(value)]);
        const parameters = new URLSearchParams(Object.fromEntries(pairs) as Record<string, string>);
        return `${path.replace("{id}", id)}?${parameters.toString()}${more}`;
      };
      await check(60, values, async (given) => {
        expect((await ask("GET", urlOf(given))).status).toBe(200);
      });

      const wrong = [
        ["nope", "1"],
        ["cursor", "x"],
        ...known.flatMap(({ name, schema: { minimum = 0, maximum = 0 } }) => [
          ...["", "%00", "%ff", "%", "a+b", `a&${name}=a`].map((text) => [name, text]),
          ...(maximum > 0 ? [minimum - 1, maximum + 1, 1.5, "05", "1e1"] : []).map((text) => [
            name,
            text,
          ]),
        ]),
      ] as const;
      await check(
        120,
        fc.tuple(values, fc.constantFrom(...wrong)),
        async ([given, [name, text]]) => {
          const url = urlOf({ ...given, [String(name)]: "" }).replace(
            `${name}=`,
            `${name}=${text}`,
          );
          const { status, errors } = await ask("GET", url);
          expect(status).toBe(400);
          expect(errors).toContainEqual(expect.objectContaining({ parameter: name }));
        },
      );
    }
  });
});

describe("A header", () => {
  const parameter = resolved<Parameter>({ $ref: "#/components/parameters/IdempotencyKey" });

  it("is taken if the description permits it, else refused by name", fuzzed, async () => {
    let tenant = 0;
    const job = () =>
      JSON.stringify({
        tenant_id: `header-${(tenant += 1)}`,
        type: "t",
        destination: { url: "http://127.0.0.1:1/" },
        execute_at: new Date(Date.now() + DAY_MS).toISOString(),
      });
    // What stands around a header's value is not part of it.
    const keys = (valuesOf(parameter.schema) as fc.Arbitrary<string>).filter(
      (key) => key.trim() !== "",
    );
    await check(60, keys, async (key) => {
      expect((await post("/v1/jobs", job(), { "idempotency-key": key })).status).toBe(201);
    });
    const wrong = keys.chain((key) =>
      fc.constantFrom("", `${key}é`, key.padEnd(256, "k"), `${key}\t.`),
    );
    await check(
      60,
      wrong.filter((key) => faultsBy(parameter.schema, key.trim()).length > 0),
      async (key) => {
        const { status, errors } = await post("/v1/jobs", job(), { "idempotency-key": key });
        expect(status).toBe(400);
        expect(errors).toMatchObject([{ header: "Idempotency-Key" }]);
      },
    );
    const anyVisible = fc.stringMatching(/^[\x20-\x7e]{0,200}$/);
    await check(60, anyVisible, async (value) => {
      expect((await ask("GET", "/healthz", { headers: { "x-request-id": value } })).status).toBe(
        200,
      );
    });
  });
});

describe("A path", () => {
  it("leads to a call, to 404 or to 405", fuzzed, async () => {
    const nearIds = fc.stringMatching(/^job_[0-9A-Za-z]{24,27}$/);
    const ids = fc
      .oneof(nearIds, fc.string({ minLength: 1, unit: "binary" }))
      .map((id) => encodeURIComponent(id.toWellFormed()));
    const segments = ids.filter((id) => !/^(\.|%2e)+$/i.test(id));
    const methods = fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
    const templates = fc.constantFrom(
      ...Object.keys(openApi.paths),
      "/v1/jobs/{id}/",
      "/v1/{id}",
      "/{id}",
    );
    await check(300, fc.tuple(methods, templates, segments), async ([method, template, id]) => {
      const path = template.replace("{id}", id);
      const { status } = await ask(method, path);
      if (!operationOf(method, path)) expect([404, 405]).toContain(status);
      else if (template.includes("{id}")) expect(status).toBe(404);
    });
  });
});
