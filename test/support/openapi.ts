import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import document from "../../lambdas/functions/system/openapi.json" with { type: "json" };
import { problemCodes } from "../../lambdas/core/errors.ts";
import type { ProblemView } from "../../lambdas/contract/views.ts";

/** The API's description, as a judge of what the API answers. */

interface Reference {
  readonly $ref?: string;
}

/** The part of JSON Schema that the description makes use of. */
export interface Schema extends Reference {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly propertyNames?: Schema;
  readonly maxProperties?: number;
  readonly anyOf?: readonly Schema[];
}

interface Header extends Reference {
  readonly required?: boolean;
  readonly schema?: Schema;
}

export interface MediaType {
  readonly schema: Schema;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface DescribedAnswer extends Reference {
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

export interface Parameter extends Reference {
  readonly in: "query" | "header" | "path";
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, DescribedAnswer>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly "x-unmatched": Operation["responses"];
}

export const openApi = document as unknown as Description;

/** Every call that is described. */
export const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    operation,
  })),
);

/** What a reference leads to, or the thing itself. */
export const resolved = <T extends object>(thing: T | Reference): T => {
  if (!("$ref" in thing) || thing.$ref === undefined) return thing as T;
  const steps = thing.$ref.replace("#/", "").split("/");
  return steps.reduce<unknown>((found, step) => Reflect.get(found as object, step), document) as T;
};

/**
 * Answers are described as open, for the sake of generated clients; for a judge they are closed, so
 * that a member which the description lacks is noticed.
 */
const closed = (schema: Schema): Schema => ({
  ...schema,
  ...(schema.properties && {
    properties: Object.fromEntries(
      Object.entries(schema.properties).map(([name, member]) => [name, closed(member)]),
    ),
    additionalProperties: schema.additionalProperties ?? false,
  }),
  ...(schema.items && { items: closed(schema.items) }),
  ...(schema.anyOf && { anyOf: schema.anyOf.map(closed) }),
});

const ajv = new Ajv2020({ allErrors: true, strictRequired: false, strictTypes: false });
addFormats.default(ajv);

/** Closed, and with references that find the components wherever the schema stands. */
const judgeable = (schema: object): object =>
  JSON.parse(
    JSON.stringify(closed(schema)).replaceAll("#/components/schemas/", "openapi#/$defs/"),
  ) as object;

ajv.addSchema({
  $id: "openapi",
  $defs: Object.fromEntries(
    Object.entries(document.components.schemas).map(([name, schema]) => [name, judgeable(schema)]),
  ),
});

const compiled = new Map<Schema, ValidateFunction>();

/** What is wrong with a value, by a schema of the description. */
export const faultsBy = (schema: Schema, value: unknown): readonly string[] => {
  const validate = compiled.get(schema) ?? ajv.compile(judgeable(schema));
  compiled.set(schema, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};

export interface Answer {
  readonly method: string;
  /** As it was asked for, with its query. */
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The call that a request matches, if there is one. */
export const operationOf = (method: string, path: string): Operation | undefined => {
  const parts = decoded(path.split("?")[0] ?? "").split("/");
  const matching = Object.keys(openApi.paths).filter((template) => {
    const expected = template.split("/");
    return (
      expected.length === parts.length &&
      expected.every((part, at) => (part.startsWith("{") ? parts[at] !== "" : part === parts[at]))
    );
  });
  // OpenAPI: a path without parameters is matched before one that has them, whatever the method.
  const [template = ""] = matching.toSorted((a, b) => a.split("{").length - b.split("{").length);
  return openApi.paths[template]?.[method.toLowerCase()];
};

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** In what an answer departs from the description. */
export const departuresOf = (answer: Answer): readonly string[] => {
  const { method, path, status, headers, text } = answer;
  const responses = operationOf(method, path)?.responses ?? openApi["x-unmatched"];
  const reference = responses[status];
  if (!reference) return [`status ${status} is not described`];
  const described = resolved(reference);
  return [
    ...headerDepartures(described.headers ?? {}, headers),
    ...bodyDepartures(described.content, answer),
    ...(isProblem(headers) && text !== "" ? problemDepartures(JSON.parse(text), answer) : []),
  ];
};

/** Headers that a client acts on: none of them may come unannounced. */
const MEANINGFUL = ["location", "idempotency-replayed", "retry-after", "allow", "x-request-id"];

const headerDepartures = (
  described: Readonly<Record<string, Header>>,
  headers: Headers,
): readonly string[] => {
  const announced = Object.entries(described).map(
    ([name, header]) => [name.toLowerCase(), resolved(header)] as const,
  );
  const names = announced.map(([name]) => name);
  return [
    ...announced.flatMap(([name, { required = false, schema = {} }]) => {
      const value = headers.get(name);
      if (value === null) return required ? [`header ${name} is missing`] : [];
      return faultsBy(schema, value).map((fault) => `header ${name}${fault}`);
    }),
    ...MEANINGFUL.filter((name) => headers.has(name) && !names.includes(name)).map(
      (name) => `header ${name} is not described`,
    ),
  ];
};

const bodyDepartures = (
  content: DescribedAnswer["content"],
  { method, headers, text }: Answer,
): readonly string[] => {
  if (method === "HEAD" || content === undefined) return text === "" ? [] : ["has a body"];
  const type = headers.get("content-type") ?? "";
  const media = content[type];
  if (!media) return [`content type ${type} is not described`];
  return faultsBy(media.schema, JSON.parse(text)).map((fault) => `body${fault}`);
};

const isProblem = (headers: Headers): boolean =>
  headers.get("content-type") === "application/problem+json";

/** What no schema says: the members of a problem agree with each other and with the headers. */
const problemDepartures = (body: unknown, { status, headers }: Answer): readonly string[] => {
  const { code, status: told, request_id: requestId, title } = body as ProblemView;
  const expected = problemCodes[code];
  return [
    ...(told === status && expected?.status === status ? [] : [`${code} with status ${status}`]),
    ...(title === expected?.title ? [] : [`title ${title} of ${code}`]),
    ...(requestId === headers.get("x-request-id") ? [] : ["request_id is another one"]),
    ...(status !== 503 || headers.has("retry-after") ? [] : ["503 without Retry-After"]),
  ];
};
