import { PulseGateError } from "./error.ts";
import type { Answer } from "./transport.ts";

/** @throws PulseGateError `unexpected_answer` if it is no JSON */
export const parseAnswer = (answer: Answer): unknown => {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw unexpectedAnswer(answer, "is not JSON");
  }
};

export const unexpectedAnswer = ({ status, headers }: Answer, fault: string): PulseGateError =>
  new PulseGateError(`The answer ${fault}: is this the address of a PulseGate?`, {
    code: "unexpected_answer",
    status,
    request_id: headers.get("x-request-id"),
    errors: [],
    retryAfterMs: null,
  });
