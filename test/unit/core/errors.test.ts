import { describe, expect, it } from "vitest";
import { Problem, problemCodes } from "../../../lambdas/core/errors.ts";

/** Every code of the contract, those that nothing refuses with yet among them. */
const contract: Record<string, number> = {
  invalid_input: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  idempotency_conflict: 409,
  invalid_state: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
};

describe("the table of refusals", () => {
  it.each(Object.entries(problemCodes))("has %s with the status of the contract", (code, entry) => {
    expect(contract[code]).toBe(entry.status);
  });

  it("gives each code a title of its own", () => {
    const titles = Object.values(problemCodes).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    for (const title of titles) expect(title).toMatch(/^[A-Z].*[^.]$/);
  });
});

describe("a problem", () => {
  it("is an error that carries what the caller is told", () => {
    const cause = new Error("the table does not answer");
    const mistakes = [{ pointer: "/type", detail: "is required" }];
    const problem = new Problem("unavailable", "Send it again.", {
      mistakes,
      retryAfterSeconds: 5,
      allow: ["GET"],
      cause,
    });
    expect(problem).toBeInstanceOf(Error);
    expect(problem).toMatchObject({
      name: "Problem",
      code: "unavailable",
      message: "Send it again.",
      mistakes,
      retryAfterSeconds: 5,
      allow: ["GET"],
      cause,
    });
  });

  it("needs no more than a code and a sentence", () => {
    const problem = new Problem("not_found", "There is no such job.");
    expect(problem.mistakes).toEqual([]);
    expect(problem.retryAfterSeconds).toBeUndefined();
    expect(problem.allow).toBeUndefined();
  });
});
