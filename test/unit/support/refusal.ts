import { Problem } from "../../../lambdas/core/errors.ts";

export interface Refusal {
  readonly code: string;
  /** `pointer`, `header` or `parameter` of each mistake, in the order told. */
  readonly where: readonly string[];
  readonly details: readonly string[];
}

/** What a caller is told when this is refused; a test that expects a refusal fails without one. */
export const refusalOf = (act: () => unknown): Refusal => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {
      code: error.code,
      where: error.mistakes.map((mistake) => Object.values(mistake)[0] ?? ""),
      details: error.mistakes.map(({ detail }) => detail),
    };
  }
  throw new Error("it was accepted");
};
