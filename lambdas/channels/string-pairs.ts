import * as z from "zod";

/**
 * An object of strings, read as pairs in the order sent: as an object, a member called `__proto__`
 * would be dropped or set a prototype.
 */
export const stringPairs = () =>
  z.unknown().transform((value, context): (readonly [name: string, value: string])[] => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      context.addIssue({ code: "custom", message: "must be an object of strings" });
      return z.NEVER;
    }
    return Object.entries(value).flatMap(([name, text]) => {
      if (typeof text === "string") return [[name, text] as const];
      context.addIssue({ code: "custom", path: [name], message: "must be a string" });
      return [];
    });
  });
