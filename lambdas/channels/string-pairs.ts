import * as z from "zod";

type Pairs = readonly (readonly [name: string, value: string])[];

/**
 * An object of strings, read as pairs in the order sent: as an object, a member called `__proto__`
 * would be dropped or set a prototype.
 *
 * @param judge what else must hold; it sees the members that are strings, whatever the others are
 */
export const stringPairs = (
  judge: (pairs: Pairs, complain: (message: string, name?: string) => void) => void,
) =>
  z.unknown().transform((value, context): (readonly [name: string, value: string])[] => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      context.addIssue({ code: "custom", message: "must be an object of strings" });
      return z.NEVER;
    }
    const pairs = Object.entries(value).flatMap(([name, text]) => {
      if (typeof text === "string") return [[name, text] as const];
      context.addIssue({ code: "custom", path: [name], message: "must be a string" });
      return [];
    });
    judge(pairs, (message, name) =>
      context.addIssue({
        code: "custom",
        message,
        ...(name === undefined ? {} : { path: [name] }),
      }),
    );
    return pairs;
  });
