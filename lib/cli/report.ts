import { PulseGateError } from "../client/index.ts";
import type { Mistake } from "../client/index.ts";
import { plain } from "./print.ts";

/** A call that failed, for stderr: every mistake with its place. */
export const reportError = (error: unknown, isJson: boolean): string => {
  if (!(error instanceof PulseGateError)) {
    return `pulsegate: ${error instanceof Error ? error.message : String(error)}`;
  }
  const { code, status, message: detail, request_id, errors, idempotencyKey } = error;
  // After these it may have been done all the same.
  const isUnknown = idempotencyKey !== null && (status === null || status >= 500);
  const idempotency_key = isUnknown ? idempotencyKey : null;
  if (isJson) {
    return JSON.stringify({ code, status, detail, request_id, errors, idempotency_key });
  }
  return [
    `pulsegate: ${plain(detail)} (${[code, status].filter((part) => part !== null).join(", ")})`,
    ...errors.map((mistake) => `  ${plain(placeOf(mistake))}: ${plain(mistake.detail)}`),
    ...(request_id === null ? [] : [`  request id: ${plain(request_id)}`]),
    ...(idempotency_key === null
      ? []
      : [`  it may have been done: repeat it with --idempotency-key ${plain(idempotency_key)}`]),
  ].join("\n");
};

const placeOf = (mistake: Mistake): string => {
  if ("pointer" in mistake) return mistake.pointer === "" ? "the body" : mistake.pointer;
  return "header" in mistake ? `header ${mistake.header}` : `parameter ${mistake.parameter}`;
};
