import { Problem } from "../core/errors.ts";

/** @throws Problem `invalid_input` unless it is 1 to 255 printable ASCII characters, or left out */
export const parseIdempotencyKey = (header: string | undefined): string | undefined => {
  if (header === undefined || /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  throw new Problem("invalid_input", "The Idempotency-Key is not valid.", {
    mistakes: [
      { header: "Idempotency-Key", detail: "must be 1 to 255 printable ASCII characters" },
    ],
  });
};
