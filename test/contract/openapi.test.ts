import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import openApiJson from "../../lambdas/functions/system/openapi.json" with { type: "json" };
import { problemCodes } from "../../lambdas/core/errors.ts";
import { functions } from "../../lib/topology.ts";
import type { FunctionTopology } from "../../lib/topology.ts";
import { faultsBy, operations, resolved } from "../support/openapi.ts";
import type { MediaType } from "../support/openapi.ts";

describe("The description", () => {
  it("names the routes of the topology, and no others", () => {
    const routes = Object.values<FunctionTopology>(functions).flatMap(({ routes = [] }) => routes);
    expect(operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
      routes.filter((route) => route !== "$default").toSorted(),
    );
  });

  it("names the codes of the one table", () => {
    expect(openApiJson.components.schemas.ProblemCode.enum).toEqual(Object.keys(problemCodes));
  });

  it("is the same in both of its files", () => {
    const yaml = readFileSync(new URL("../../openapi/openapi.yaml", import.meta.url), "utf8");
    expect(parse(yaml)).toEqual(openApiJson);
  });

  it("has examples that hold to their schemas", () => {
    const media = operations.flatMap(({ operation: { requestBody, responses } }) =>
      [requestBody ?? {}, ...Object.values(responses).map(resolved)].flatMap(
        (one): readonly MediaType[] => Object.values(one.content ?? {}),
      ),
    );
    const examples = media.flatMap(({ schema, examples = {} }) =>
      Object.values(examples).map(({ value }) => ({ value, faults: faultsBy(schema, value) })),
    );
    expect(examples.length).toBeGreaterThan(20);
    expect(examples.filter(({ faults }) => faults.length > 0)).toEqual([]);
  });
});
