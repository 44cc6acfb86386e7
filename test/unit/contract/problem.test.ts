import { describe, expect, it } from "vitest";
import { problemDocument, problemHeaders } from "../../../lambdas/contract/problem.ts";
import { Problem, problemCodes } from "../../../lambdas/core/errors.ts";
import type { ProblemCode } from "../../../lambdas/core/errors.ts";

const codes = Object.keys(problemCodes) as ProblemCode[];

describe("a refusal's document", () => {
  it.each(codes)("names %s, its status and title, and where it is explained", (code) => {
    expect(problemDocument(new Problem(code, "A sentence."), "request-1")).toEqual({
      type: expect.stringMatching(new RegExp(`^https://\\S+/docs/errors\\.md#${code}$`)),
      title: problemCodes[code].title,
      status: problemCodes[code].status,
      detail: "A sentence.",
      code,
      request_id: "request-1",
      errors: [],
    });
  });

  it("lists every mistake where it stands", () => {
    const mistakes = [
      { pointer: "/type", detail: "is required" },
      { header: "Idempotency-Key", detail: "must be shorter" },
      { parameter: "limit", detail: "stands twice" },
    ];
    const { errors } = problemDocument(new Problem("invalid_input", "No.", { mistakes }), "r");
    expect(errors).toEqual(mistakes);
  });

  it("stays small, however much is wrong and however deep it stands", () => {
    const mistakes = Array.from({ length: 90_000 }, (_, index) => ({
      pointer: `${"/".repeat(1 + (index % 3))}${"\u{1F600}".repeat(1_000)}`,
      detail: "stands twice",
    }));
    const document = problemDocument(new Problem("invalid_input", "No.", { mistakes }), "r");
    expect(JSON.stringify(document).length).toBeLessThan(100_000);
    expect(document.errors.length).toBeGreaterThanOrEqual(50);
    for (const mistake of document.errors) {
      expect("pointer" in mistake && mistake.pointer.isWellFormed()).toBe(true);
    }
  });

  it("shows nothing of what caused it", () => {
    const cause = new Error("table pulsegate-jobs did not answer");
    const problem = new Problem("unavailable", "Send it again.", { cause });
    const text = JSON.stringify(problemDocument(problem, "r"));
    expect(text).not.toMatch(/table|stack|cause/);
  });
});

describe("a refusal's headers", () => {
  it("say what kind of document it is, and nothing that does not apply", () => {
    expect(problemHeaders(new Problem("not_found", "No."))).toEqual({
      "content-type": "application/problem+json",
    });
  });

  it("say when to come again", () => {
    const problem = new Problem("unavailable", "Later.", { retryAfterSeconds: 5 });
    expect(problemHeaders(problem)).toMatchObject({ "retry-after": "5" });
    const atOnce = new Problem("unavailable", "Now.", { retryAfterSeconds: 0 });
    expect(problemHeaders(atOnce)).toMatchObject({ "retry-after": "0" });
  });

  it("say which methods are allowed", () => {
    const problem = new Problem("method_not_allowed", "No.", { allow: ["GET", "HEAD"] });
    expect(problemHeaders(problem)).toMatchObject({ allow: "GET, HEAD" });
  });
});
