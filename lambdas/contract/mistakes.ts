import type * as z from "zod";
import type { Mistake } from "../core/errors.ts";
import { pointerOf } from "../core/rules/json-text.ts";

/** Every mistake that zod found, each where it stands: unknown fields by their own name. */
export const mistakesOf = (error: z.ZodError): readonly Mistake[] =>
  error.issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        pointer: pointerOf([...path, key]),
        detail: "is not a known field",
      }));
    }
    return [{ pointer: pointerOf(path), detail: issue.message }];
  });
