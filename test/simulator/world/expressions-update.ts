import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { refuse, unsupported } from "./dynamodb-errors.ts";
import { attributeOf, nameOf, valueOf } from "./expressions.ts";
import type { Names, Placeholders, Values } from "./expressions.ts";
import { Tokens } from "./expressions-parser.ts";
import { addNumbers } from "./expressions-values.ts";
import type { Item } from "./expressions-values.ts";

/** Update expressions: SET, REMOVE, and ADD of numbers, each of attributes of the item's own. */

/** What an update makes of an attribute; `undefined` takes it away. */
export interface Change {
  readonly name: string;
  readonly value: AttributeValue | undefined;
}

export interface CompiledUpdate extends Placeholders {
  /** The attributes that it changes, by name or placeholder. */
  readonly targets: readonly string[];
  /** Computed from the item as it was, whatever the order of the clauses. */
  changes(item: Item, names: Names, values: Values): readonly Change[];
}

type Evaluate = (item: Item, names: Names, values: Values) => AttributeValue;

interface Action {
  readonly token: string;
  readonly evaluate: Evaluate | undefined;
}

export const compiledUpdate = (text: string): CompiledUpdate => {
  const known = updates.get(text);
  if (known) return known;
  const tokens = new Tokens(text);
  const actions = clauses(tokens);
  const { names, values } = tokens;
  const compiled: CompiledUpdate = {
    names,
    values,
    targets: actions.map(({ token }) => token),
    changes(item, names, values) {
      const changes: Change[] = [];
      for (const { token, evaluate } of actions) {
        const name = nameOf(token, names);
        for (const other of changes) {
          if (other.name === name) refuse(`two document paths overlap with each other: ${name}`);
        }
        changes.push({ name, value: evaluate?.(item, names, values) });
      }
      return changes;
    },
  };
  updates.set(text, compiled);
  return compiled;
};

const updates = new Map<string, CompiledUpdate>();

const clauses = (tokens: Tokens): readonly Action[] => {
  const actions: Action[] = [];
  const seen = new Set<string>();
  while (tokens.next !== "") {
    const clause = tokens.take().toUpperCase();
    if (seen.has(clause)) refuse(`the clause ${clause} stands twice in: ${tokens.text}`);
    seen.add(clause);
    const read = actionReader(clause, tokens);
    do actions.push(read());
    while (tokens.takeIf(","));
  }
  return actions;
};

const actionReader = (clause: string, tokens: Tokens): (() => Action) => {
  switch (clause) {
    case "SET":
      return () => {
        const token = tokens.path();
        tokens.expect("=");
        return { token, evaluate: assigned(tokens) };
      };
    case "REMOVE":
      return () => ({ token: tokens.path(), evaluate: undefined });
    case "ADD":
      return () => {
        const token = tokens.path();
        return { token, evaluate: added(token, tokens.value()) };
      };
    case "DELETE":
      return unsupported(`the clause DELETE in: ${tokens.text}`);
    default:
      return tokens.fail(clause);
  }
};

const assigned = (tokens: Tokens): Evaluate => {
  const left = operand(tokens);
  const sign = tokens.takeIf("+") ? 1 : tokens.takeIf("-") ? -1 : undefined;
  if (sign === undefined) return left;
  const right = operand(tokens);
  return (...of) => ({ N: addNumbers(numberOf(left(...of)), numberOf(right(...of)), sign) });
};

const operand = (tokens: Tokens): Evaluate => {
  if (tokens.next.startsWith(":")) {
    const token = tokens.value();
    return (_item, _names, values) => valueOf(token, values);
  }
  if (!tokens.isCall()) {
    const token = tokens.path();
    return (item, names) =>
      attributeOf(item, nameOf(token, names)) ??
      refuse(`the expression refers to an attribute that does not exist in the item: ${token}`);
  }
  const name = tokens.take();
  if (name !== "if_not_exists" && name !== "list_append") {
    return unsupported(`the function ${name} in: ${tokens.text}`);
  }
  tokens.expect("(");
  const call = name === "list_append" ? appended(tokens) : ifNotExists(tokens);
  tokens.expect(")");
  return call;
};

const ifNotExists = (tokens: Tokens): Evaluate => {
  const token = tokens.path();
  tokens.expect(",");
  const otherwise = operand(tokens);
  return (item, names, values) =>
    attributeOf(item, nameOf(token, names)) ?? otherwise(item, names, values);
};

const appended = (tokens: Tokens): Evaluate => {
  const first = operand(tokens);
  tokens.expect(",");
  const second = operand(tokens);
  return (...of) => ({ L: [...listOf(first(...of)), ...listOf(second(...of))] });
};

const added =
  (token: string, valueToken: string): Evaluate =>
  (item, names, values) => {
    const by = valueOf(valueToken, values);
    if (by.N === undefined) return unsupported(`ADD of what is no number: ${valueToken}`);
    const standing = attributeOf(item, nameOf(token, names));
    return { N: standing ? addNumbers(numberOf(standing), by.N, 1) : by.N };
  };

const numberOf = ({ N }: AttributeValue): string =>
  N ?? refuse("an operand in the update expression has an incorrect data type");

const listOf = ({ L }: AttributeValue): readonly AttributeValue[] =>
  L ?? refuse("an operand in the update expression has an incorrect data type");
