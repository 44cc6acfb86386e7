import fc from "fast-check";
import { faultsBy, resolved } from "./openapi.ts";
import type { Schema } from "./openapi.ts";

/**
 * Inputs out of the description's schemas: values that they permit, and values with one thing wrong.
 */

/** What a member of this name is made of, where its schema permits more than a test may send. */
export type Instead = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** Values that a schema permits, its bounds more often than chance would have them. */
export const valuesOf = (given: Schema, instead: Instead = {}): fc.Arbitrary<unknown> =>
  candidatesOf(resolved(given), instead).filter((value) => faultsBy(given, value).length === 0);

const candidatesOf = (schema: Schema, instead: Instead): fc.Arbitrary<unknown> => {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "integer":
      return integersOf(schema);
    case "number":
      return numbersOf(schema);
    case "string":
      return stringsOf(schema);
    case "array":
      return arraysOf(schema, instead);
    case "object":
      return objectsOf(schema, instead);
    default:
      return fc.jsonValue();
  }
};

const integersOf = ({ minimum: min = 0, maximum: max = 1_000_000 }: Schema) =>
  fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));

const numbersOf = ({ minimum: min = 0, maximum: max = 1_000_000 }: Schema) =>
  fc.oneof(fc.constantFrom(min, max), fc.double({ min, max, noNaN: true }));

const stringsOf = ({ pattern = "^.*$", maxLength }: Schema): fc.Arbitrary<string> => {
  const texts = fc.stringMatching(new RegExp(pattern)).filter((text) => text.isWellFormed());
  if (maxLength === undefined) return texts;
  const longest = texts.map((text) => {
    const characters = Array.from(text || "a");
    return Array.from({ length: maxLength }, (_, at) => characters[at % characters.length]).join(
      "",
    );
  });
  return fc.oneof({ weight: 4, arbitrary: texts }, longest);
};

const arraysOf = ({ items = {}, minItems = 0, maxItems = 3 }: Schema, instead: Instead) => {
  const usual = { minLength: minItems, maxLength: Math.min(maxItems, 3) };
  return fc.array(valuesOf(items, instead), usual);
};

const objectsOf = (schema: Schema, instead: Instead): fc.Arbitrary<unknown> => {
  const { properties = {}, required = [], additionalProperties, propertyNames = {} } = schema;
  const named = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [
        name,
        instead[name] ?? valuesOf(member, instead),
      ]),
    ),
    { requiredKeys: [...required, ...Object.keys(instead).filter((name) => name in properties)] },
  );
  if (typeof additionalProperties !== "object") return named;
  const names = valuesOf({ ...propertyNames, type: "string" }) as fc.Arbitrary<string>;
  return fc.dictionary(names, valuesOf(additionalProperties), { maxKeys: 4 });
};

/** A place in a value, with the schema that it has there. */
interface Place {
  readonly path: readonly string[];
  readonly schema: Schema;
  readonly value: unknown;
}

const placesOf = (
  given: Schema,
  value: unknown,
  path: readonly string[] = [],
): readonly Place[] => {
  const schema = resolved(given);
  const inside = Object.entries(typeof value === "object" && value !== null ? value : {}).flatMap(
    ([name, member]) => {
      const further = schema.items ?? schema.properties?.[name] ?? schema.additionalProperties;
      return typeof further === "object" ? placesOf(further, member, [...path, name]) : [];
    },
  );
  return [{ path, schema, value }, ...inside];
};

/** What stands at a place, made another in one respect. `undefined` takes it away. */
const mutantsOf = ({ schema, value }: Place): readonly unknown[] => [
  undefined,
  null,
  true,
  0,
  -1,
  0.5,
  "",
  "x",
  [],
  {},
  [[]],
  ...(typeof value === "number"
    ? [(schema.minimum ?? 0) - 1, (schema.maximum ?? 0) + 1, value + 0.5, String(value)]
    : []),
  ...(typeof value === "string"
    ? [`${value}\u0000`, `${value} `, `\u00a0${value}`, `${value}\ud800`, [value]]
    : []),
  ...(typeof value === "string"
    ? [value.toUpperCase(), value.padEnd((schema.maxLength ?? 5_000) + 1, "a")]
    : []),
  ...(Array.isArray(value)
    ? [Array.from({ length: (schema.maxItems ?? 10) + 1 }, () => value[0] as unknown)]
    : []),
  ...(typeof value === "object" && value !== null && !Array.isArray(value)
    ? [
        { ...value, nope: 1 },
        { ...value, ["__proto__"]: 1 },
        { ...value, "~/": null },
      ]
    : []),
];

/** A value with one place made another; whether that makes it wrong is the schema's to say. */
export const mutationsOf = (schema: Schema, values: fc.Arbitrary<unknown>) =>
  fc.tuple(values, fc.nat(), fc.nat()).map(([value, where, which]) => {
    const places = placesOf(schema, value);
    const place = places[where % places.length] ?? { path: [], schema, value };
    const mutants = mutantsOf(place);
    return replaced(value, place.path, mutants[which % mutants.length]);
  });

const replaced = (value: unknown, [step, ...rest]: readonly string[], by: unknown): unknown => {
  if (step === undefined) return by ?? null;
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const inner = rest.length === 0 ? by : replaced(Reflect.get(value as object, step), rest, by);
  if (inner === undefined) Reflect.deleteProperty(copy as object, step);
  else
    Object.defineProperty(copy, step, {
      value: inner,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return copy;
};
