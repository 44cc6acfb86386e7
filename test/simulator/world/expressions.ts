import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { refuse, unsupported } from "./dynamodb-errors.ts";
import { parseCondition, Tokens } from "./expressions-parser.ts";
import type { Comparator, Condition, Operand } from "./expressions-parser.ts";
import { areEqual, compareValues, members } from "./expressions-values.ts";
import type { Item } from "./expressions-values.ts";

/** Expressions, parsed once for each text: an update of a job says the same thing every time. */

export type Names = Readonly<Record<string, string>> | undefined;
export type Values = Readonly<Record<string, AttributeValue>> | undefined;

/** What an expression's text needs from the request that it comes with. */
export interface Placeholders {
  readonly names: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
}

export interface CompiledCondition extends Placeholders {
  readonly condition: Condition;
  readonly paths: ReadonlySet<string>;
  holds(item: Item, names: Names, values: Values): boolean;
}

export const compiledCondition = (text: string): CompiledCondition => {
  const known = conditions.get(text);
  if (known) return known;
  const tokens = new Tokens(text);
  const condition = parseCondition(tokens);
  const { names, values, paths, pairs } = tokens;
  const holds = withDistinct(pairs, compile(condition));
  const compiled = { names, values, paths, condition, holds };
  conditions.set(text, compiled);
  return compiled;
};

/** The server refuses to compare an attribute with itself. */
const withDistinct = (pairs: Tokens["pairs"], holds: Holds): Holds => {
  if (pairs.length === 0) return holds;
  return (item, names, values) => {
    for (const [a, b] of pairs) {
      if (nameOf(a, names) === nameOf(b, names)) refuse(`the operands must be distinct: ${a}`);
    }
    return holds(item, names, values);
  };
};

const conditions = new Map<string, CompiledCondition>();

export const compiledProjection = (text: string): Placeholders & { readonly paths: string[] } => {
  const known = projections.get(text);
  if (known) return known;
  const tokens = new Tokens(text);
  const paths = [tokens.path()];
  while (tokens.takeIf(",")) paths.push(tokens.path());
  if (tokens.next !== "") tokens.fail(tokens.next);
  const compiled = { names: tokens.names, values: tokens.values, paths };
  projections.set(text, compiled);
  return compiled;
};

const projections = new Map<string, Placeholders & { readonly paths: string[] }>();

/** A request gives what its expressions name, and nothing else. */
export const checkPlaceholders = (
  names: Names,
  values: Values,
  ...expressions: readonly (Placeholders | undefined)[]
): void => {
  checkGiven(
    "name",
    names,
    expressions.map((each) => each?.names),
  );
  checkGiven(
    "value",
    values,
    expressions.map((each) => each?.values),
  );
};

const NONE: Readonly<Record<string, unknown>> = Object.freeze({});

const checkGiven = (
  what: "name" | "value",
  sent: Readonly<Record<string, unknown>> | undefined,
  used: readonly (ReadonlySet<string> | undefined)[],
): void => {
  const given = sent ?? NONE;
  for (const placeholders of used) {
    for (const each of placeholders ?? []) {
      if (given[each] === undefined)
        refuse(`an expression attribute ${what} is not defined: ${each}`);
    }
  }
  if (!sent) return;
  const placeholders = Object.keys(sent);
  if (placeholders.length === 0) refuse(`the expression attribute ${what}s must not be empty`);
  for (const each of placeholders) {
    if (!used.some((placeholders) => placeholders?.has(each))) {
      refuse(`an expression attribute ${what} is not used: ${each}`);
    }
  }
};

/** The attribute that a path means. */
export const nameOf = (token: string, names: Names): string => {
  const name = token.startsWith("#")
    ? (names?.[token] ?? refuse(`${token} is not defined`))
    : token;
  return name === "__proto__" ? unsupported("an attribute called __proto__") : name;
};

export const valueOf = (token: string, values: Values): AttributeValue =>
  values?.[token] ?? refuse(`${token} is not defined`);

/** An attribute of the item's own: every object has a `constructor`. */
export const attributeOf = (item: Item, name: string): AttributeValue | undefined => {
  const value = item[name];
  return typeof value === "object" ? value : undefined;
};

type Holds = CompiledCondition["holds"];
type Get = (item: Item, names: Names, values: Values) => AttributeValue | undefined;

const compile = (condition: Condition): Holds => {
  switch (condition.kind) {
    case "and": {
      const [left, right] = [compile(condition.left), compile(condition.right)];
      return (item, names, values) => left(item, names, values) && right(item, names, values);
    }
    case "or": {
      const [left, right] = [compile(condition.left), compile(condition.right)];
      return (item, names, values) => left(item, names, values) || right(item, names, values);
    }
    case "not": {
      const inner = compile(condition.condition);
      return (item, names, values) => !inner(item, names, values);
    }
    case "compare":
      return comparison(condition.comparator, getter(condition.left), getter(condition.right));
    case "between":
      return between(condition);
    case "in": {
      const [get, choices] = [getter(condition.operand), condition.choices.map(getter)];
      return (item, names, values) => {
        const value = get(item, names, values);
        if (!value) return false;
        return choices.some((choice) => isEqual(value, choice(item, names, values)));
      };
    }
    case "call":
      return called(condition);
  }
};

const isEqual = (a: AttributeValue | undefined, b: AttributeValue | undefined): boolean =>
  a !== undefined && b !== undefined && areEqual(a, b);

const comparison = (comparator: Comparator, left: Get, right: Get): Holds => {
  if (comparator === "=") return (...of) => isEqual(left(...of), right(...of));
  // An absent attribute differs from everything.
  if (comparator === "<>") return (...of) => !isEqual(left(...of), right(...of));
  const isIt = {
    "<": (order: number) => order < 0,
    "<=": (order: number) => order <= 0,
    ">": (order: number) => order > 0,
    ">=": (order: number) => order >= 0,
  }[comparator];
  return (item, names, values) => {
    const order = ordered(left(item, names, values), right(item, names, values));
    return order !== undefined && isIt(order);
  };
};

/** `undefined` if one is absent, or of another type: no comparison with it holds. */
const ordered = (
  a: AttributeValue | undefined,
  b: AttributeValue | undefined,
): number | undefined => (a && b ? compareValues(a, b) : undefined);

const between = ({ operand, low, high }: Extract<Condition, { kind: "between" }>): Holds => {
  const [get, getLow, getHigh] = [getter(operand), getter(low), getter(high)];
  const areGiven = low.kind === "value" && high.kind === "value";
  return (item, names, values) => {
    const [lowest, highest] = [getLow(item, names, values), getHigh(item, names, values)];
    if (areGiven) checkRange(lowest, highest);
    const value = get(item, names, values);
    const [fromLow, toHigh] = [ordered(value, lowest), ordered(value, highest)];
    return fromLow !== undefined && toHigh !== undefined && fromLow >= 0 && toHigh <= 0;
  };
};

/** The server refuses a range that ends before it begins. */
export const checkRange = (
  low: AttributeValue | undefined,
  high: AttributeValue | undefined,
): void => {
  const order = ordered(low, high);
  if (order === undefined) refuse("BETWEEN needs two values of one type that has an order");
  else if (order > 0) refuse("BETWEEN needs an upper bound that is not below the lower one");
};

const called = ({ name, args }: Extract<Condition, { kind: "call" }>): Holds => {
  const [get, getOther] = args.map(getter) as [Get, Get];
  switch (name) {
    case "attribute_exists":
      return (...of) => get(...of) !== undefined;
    case "attribute_not_exists":
      return (...of) => get(...of) === undefined;
    case "attribute_type":
      return (...of) => {
        const value = get(...of);
        return value !== undefined && Object.hasOwn(value, getOther(...of)?.S ?? "");
      };
    case "begins_with":
      return (...of) => {
        const [value, start] = [get(...of), getOther(...of)];
        if (value?.S !== undefined) return start?.S !== undefined && value.S.startsWith(start.S);
        if (!value?.B || !start?.B) return false;
        return Buffer.compare(value.B.subarray(0, start.B.length), start.B) === 0;
      };
    case "contains":
      return (...of) => isIn(get(...of), getOther(...of));
  }
};

const isIn = (value: AttributeValue | undefined, part: AttributeValue | undefined): boolean => {
  if (!value || !part) return false;
  if (value.S !== undefined) return part.S !== undefined && value.S.includes(part.S);
  if (value.B) return part.B !== undefined && Buffer.from(value.B).includes(Buffer.from(part.B));
  return (value.L ?? members(value) ?? []).some((member) => areEqual(member, part));
};

const getter = ({ kind, token }: Operand): Get => {
  if (kind === "value") return (_item, _names, values) => values?.[token];
  if (kind === "size") {
    return (item, names) => sizeOf(attributeOf(item, nameOf(token, names)));
  }
  if (token.startsWith("#")) return (item, names) => attributeOf(item, nameOf(token, names));
  return (item) => attributeOf(item, token);
};

const sizeOf = (value: AttributeValue | undefined): AttributeValue | undefined => {
  const size =
    value?.S?.length ??
    value?.B?.length ??
    value?.L?.length ??
    (value?.M ? Object.keys(value.M).length : undefined) ??
    (value && members(value)?.length);
  return size === undefined ? undefined : { N: String(size) };
};
