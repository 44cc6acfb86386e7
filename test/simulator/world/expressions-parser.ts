import { refuse, unsupported } from "./dynamodb-errors.ts";
import { RESERVED_WORDS } from "./dynamodb-reserved-words.ts";

/** The syntax of condition, filter and key expressions, by recursive descent. */

export type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";

/** An attribute by its name or by a `#placeholder`, a `:value`, or the size of an attribute. */
export type Operand =
  | { readonly kind: "path"; readonly token: string }
  | { readonly kind: "value"; readonly token: string }
  | { readonly kind: "size"; readonly token: string };

export type FunctionName =
  "attribute_exists" | "attribute_not_exists" | "attribute_type" | "begins_with" | "contains";

export type Condition =
  | {
      readonly kind: "compare";
      readonly comparator: Comparator;
      readonly left: Operand;
      readonly right: Operand;
    }
  | {
      readonly kind: "between";
      readonly operand: Operand;
      readonly low: Operand;
      readonly high: Operand;
    }
  | { readonly kind: "in"; readonly operand: Operand; readonly choices: readonly Operand[] }
  | { readonly kind: "call"; readonly name: FunctionName; readonly args: readonly Operand[] }
  | { readonly kind: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly kind: "not"; readonly condition: Condition };

const COMPARATORS: ReadonlySet<string> = new Set(["=", "<>", "<", "<=", ">", ">="]);
const FUNCTIONS: Readonly<Record<FunctionName, number>> = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
};

/** Reads the tokens of one expression, and remembers its placeholders. */
export class Tokens {
  readonly text: string;
  readonly names = new Set<string>();
  readonly values = new Set<string>();
  /** Every attribute, by its name or its placeholder. */
  readonly paths = new Set<string>();
  /** Paths that an operator or a function has to do with at once: they may not be the same. */
  readonly pairs: (readonly [string, string])[] = [];
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.text = text;
    const tokens = text.match(/[:#]?\w+|<>|<=|>=|[^\s\w]/g) ?? [];
    const wrong = tokens.find((token) => !/^(?:[:#]?\w+|<>|<=|>=|[=<>(),.+[\]-])$/.test(token));
    if (wrong !== undefined) this.fail(wrong);
    if (tokens.length === 0) refuse("an expression can not be empty");
    this.#tokens = tokens;
  }

  /** The next token, which stays; an empty text at the end. */
  get next(): string {
    return this.#tokens[this.#at] ?? "";
  }

  take(): string {
    const token = this.next;
    this.#at += 1;
    return token;
  }

  /** Takes the next token if it is this one; words of the language in either case. */
  takeIf(token: string): boolean {
    const isNext = this.next.toUpperCase() === token;
    if (isNext) this.#at += 1;
    return isNext;
  }

  expect(token: string): void {
    if (!this.takeIf(token)) this.fail(this.next);
  }

  isCall(): boolean {
    return this.#tokens[this.#at + 1] === "(" && /^[a-z]/i.test(this.next);
  }

  /** An attribute of the item's own: none within a list or a map. */
  path(): string {
    const token = this.take();
    if (!/^#?\w+$/.test(token) || /^\d/.test(token)) this.fail(token);
    if (token.startsWith("#")) this.names.add(token);
    else if (RESERVED_WORDS.has(token.toUpperCase())) {
      refuse(`attribute name is a reserved keyword; reserved keyword: ${token}`);
    }
    this.paths.add(token);
    if (this.next === "." || this.next === "[") unsupported(`a path into a value: ${this.text}`);
    return token;
  }

  value(): string {
    const token = this.take();
    if (!token.startsWith(":")) this.fail(token);
    this.values.add(token);
    return token;
  }

  pair(first: Operand | undefined, others: readonly Operand[]): void {
    for (const other of others) {
      if (first?.kind === "path" && other.kind === "path") {
        this.pairs.push([first.token, other.token]);
      }
    }
  }

  fail(token: string): never {
    return refuse(`syntax error at "${token === "" ? "the end" : token}" in: ${this.text}`);
  }
}

export const parseCondition = (tokens: Tokens): Condition => {
  const condition = disjunction(tokens);
  if (tokens.next !== "") tokens.fail(tokens.next);
  return condition;
};

const disjunction = (tokens: Tokens): Condition => {
  let left = conjunction(tokens);
  while (tokens.takeIf("OR")) left = { kind: "or", left, right: conjunction(tokens) };
  return left;
};

const conjunction = (tokens: Tokens): Condition => {
  let left = negation(tokens);
  while (tokens.takeIf("AND")) left = { kind: "and", left, right: negation(tokens) };
  return left;
};

const negation = (tokens: Tokens): Condition =>
  tokens.takeIf("NOT") ? { kind: "not", condition: negation(tokens) } : simple(tokens);

const simple = (tokens: Tokens): Condition => {
  if (tokens.takeIf("(")) {
    const condition = disjunction(tokens);
    tokens.expect(")");
    return condition;
  }
  if (tokens.isCall() && tokens.next !== "size") return call(tokens);
  const left = operand(tokens);
  if (tokens.takeIf("BETWEEN")) {
    const low = operand(tokens);
    tokens.expect("AND");
    const high = operand(tokens);
    tokens.pair(left, [low, high]);
    return { kind: "between", operand: left, low, high };
  }
  if (tokens.takeIf("IN")) {
    const choices = list(tokens);
    tokens.pair(left, choices);
    return { kind: "in", operand: left, choices };
  }
  const comparator = tokens.take();
  if (!isComparator(comparator)) return tokens.fail(comparator);
  const right = operand(tokens);
  tokens.pair(left, [right]);
  return { kind: "compare", comparator, left, right };
};

const call = (tokens: Tokens): Condition => {
  const name = tokens.take();
  if (!isFunction(name)) return unsupported(`the function ${name} in: ${tokens.text}`);
  const args = list(tokens);
  const isComplete = args.length === FUNCTIONS[name];
  if (!isComplete || args[0]?.kind !== "path") return refuse(`wrong operands of ${name}`);
  tokens.pair(args[0], args.slice(1));
  return { kind: "call", name, args };
};

/** Between parentheses, at least one. */
const list = (tokens: Tokens): readonly Operand[] => {
  tokens.expect("(");
  const operands = [operand(tokens)];
  while (tokens.takeIf(",")) operands.push(operand(tokens));
  tokens.expect(")");
  return operands;
};

const operand = (tokens: Tokens): Operand => {
  if (tokens.next.startsWith(":")) return { kind: "value", token: tokens.value() };
  if (!tokens.isCall()) return { kind: "path", token: tokens.path() };
  const name = tokens.take();
  if (name !== "size") return unsupported(`the function ${name} in: ${tokens.text}`);
  tokens.expect("(");
  const token = tokens.path();
  tokens.expect(")");
  return { kind: "size", token };
};

const isComparator = (token: string): token is Comparator => COMPARATORS.has(token);

const isFunction = (name: string): name is FunctionName => Object.hasOwn(FUNCTIONS, name);
