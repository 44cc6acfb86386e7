import * as z from "zod";

/** A whole number between bounds, both of which are named whatever is wrong with it. */
export const wholeNumber = (from: number, to: number) => {
  const error = bounded(`a whole number from ${from} to ${to}`);
  return z.int({ error, abort: true }).min(from, { error, abort: true }).max(to, { error });
};

/** The same of a text, as a setting is: `Number("")` would be 0. */
export const wholeNumberText = (from: number, to = Number.MAX_SAFE_INTEGER) => {
  const isOpen = to === Number.MAX_SAFE_INTEGER;
  const range = isOpen ? `of at least ${from}` : `from ${from} to ${to}`;
  const error = bounded(`a whole number ${range}`);
  return z
    .string({ error })
    .regex(/^\d{1,15}$/, { error, abort: true })
    .transform(Number)
    .refine((number) => number >= from && number <= to, { error });
};

/** What is left out is missing rather than wrong. */
export const bounded =
  (what: string) =>
  ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? "is required" : `must be ${what}`;
