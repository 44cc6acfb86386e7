import type * as z from "zod";

/**
 * What zod found, in the words of this API; handed to each `safeParse`, so that no text of the
 * validator's own is shown. A schema that has a text itself keeps it.
 */
export const plainText = (issue: z.core.$ZodRawIssue): string => {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : `must be ${typeNames[issue.expected]}`;
    case "invalid_value":
      return issue.input === undefined
        ? "is required"
        : `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `must ${amount(issue.origin, "at least", issue.minimum)}`;
    case "too_big":
      return `must ${amount(issue.origin, "at most", issue.maximum)}`;
    case "unrecognized_keys":
      return `has unknown fields: ${issue.keys.join(", ")}`;
    default:
      return "is not valid";
  }
};

const typeNames: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "an array",
};

const amount = (origin: string, bound: string, count: number | bigint): string => {
  if (origin === "string") {
    return bound === "at least" && count === 1
      ? "not be empty"
      : `have ${bound} ${count} characters`;
  }
  return origin === "array" ? `have ${bound} ${count} items` : `be ${bound} ${count}`;
};
