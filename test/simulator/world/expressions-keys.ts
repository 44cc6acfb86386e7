import { refuse } from "./dynamodb-errors.ts";
import { checkRange, nameOf, valueOf } from "./expressions.ts";
import type { Names, Values } from "./expressions.ts";
import type { Comparator, Condition, Operand } from "./expressions-parser.ts";
import { compareTexts } from "./expressions-values.ts";

/** The rows of one partition that a query asks for. */
export interface KeyRange {
  readonly partition: string;
  /** Whether a sort key is before the range (-1), in it (0) or after it (1). */
  place(sort: string): number;
}

/** A partition key's value, and, if need be, a range of its sort keys. */
export const keyRangeOf = (
  condition: Condition,
  key: { readonly pk: string; readonly sk: string },
  names: Names,
  values: Values,
): KeyRange => {
  const isOf = (operand: Operand | undefined, name: string) =>
    operand?.kind === "path" && nameOf(operand.token, names) === name;
  const parts = condition.kind === "and" ? [condition.left, condition.right] : [condition];
  const ofPartition = parts.find(
    (part) => part.kind === "compare" && part.comparator === "=" && isOf(part.left, key.pk),
  );
  if (ofPartition?.kind !== "compare") {
    return refuse(`the query's condition gives no value of ${key.pk}`);
  }
  const partition = textOf(ofPartition.right, values);
  const ofSort = parts.find((part) => part !== ofPartition);
  if (!ofSort) return { partition, place: () => 0 };
  if (!isOf(subjectOf(ofSort), key.sk)) {
    return refuse(`the query's condition names another attribute than ${key.pk} and ${key.sk}`);
  }
  return { partition, place: placer(ofSort, values) };
};

const subjectOf = (condition: Condition): Operand | undefined => {
  switch (condition.kind) {
    case "compare":
      return condition.left;
    case "between":
      return condition.operand;
    case "call":
      return condition.args[0];
    default:
      return undefined;
  }
};

const placer = (condition: Condition, values: Values): KeyRange["place"] => {
  switch (condition.kind) {
    case "compare":
      return compared(condition.comparator, textOf(condition.right, values));
    case "between": {
      const [low, high] = [textOf(condition.low, values), textOf(condition.high, values)];
      checkRange({ S: low }, { S: high });
      return (sort) => (compareTexts(sort, low) < 0 ? -1 : Math.max(0, compareTexts(sort, high)));
    }
    case "call": {
      if (condition.name !== "begins_with") break;
      const start = textOf(condition.args[1], values);
      return (sort) => (sort.startsWith(start) ? 0 : compareTexts(sort, start));
    }
    default:
  }
  return refuse("a query's condition compares its sort key, or asks for a range of it");
};

const compared = (comparator: Comparator, text: string): KeyRange["place"] => {
  switch (comparator) {
    case "=":
      return (sort) => compareTexts(sort, text);
    case "<":
      return (sort) => (compareTexts(sort, text) < 0 ? 0 : 1);
    case "<=":
      return (sort) => (compareTexts(sort, text) <= 0 ? 0 : 1);
    case ">":
      return (sort) => (compareTexts(sort, text) > 0 ? 0 : -1);
    case ">=":
      return (sort) => (compareTexts(sort, text) >= 0 ? 0 : -1);
    case "<>":
      return refuse("a query's condition can not use <>");
  }
};

const textOf = (operand: Operand | undefined, values: Values): string => {
  if (operand?.kind !== "value") return refuse("a query's condition compares keys with values");
  return valueOf(operand.token, values).S ?? refuse("all of its keys are texts");
};
