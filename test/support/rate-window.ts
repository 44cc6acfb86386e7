/** A rate limit as a receiver sees it. */
export interface Limit {
  readonly rps: number;
  readonly burst: number;
}

export interface Excess {
  readonly starts: number;
  readonly windowMs: number;
  readonly allowed: number;
}

/**
 * The worst break of the contract's rule, if there is one: starts in any window of w seconds are at
 * most burst + rps · (w + s).
 *
 * @param startsMs when requests reached their receiver
 * @param slackMs `s`: 50 ms and the spread of the workers' clocks
 */
export const worstExcess = (
  startsMs: readonly number[],
  { rps, burst }: Limit,
  slackMs: number,
): Excess | undefined => {
  // With t and i the time and number of a start, the rule reads i₂ − i₁ + 1 ≤ burst + rps·(t₂ − t₁ + s).
  // So of all windows that end at a start, the worst begins where rps·t₁ − i₁ is largest.
  let worst: { readonly by: number; readonly excess: Excess } | undefined;
  let begin = { lead: -Infinity, index: 0, atMs: 0 };
  for (const [index, atMs] of startsMs.toSorted((a, b) => a - b).entries()) {
    const lead = (rps * atMs) / 1_000 - index;
    if (lead > begin.lead) begin = { lead, index, atMs };
    const starts = index - begin.index + 1;
    const windowMs = atMs - begin.atMs;
    const allowed = burst + (rps * (windowMs + slackMs)) / 1_000;
    const by = starts - allowed;
    if (by > 1e-6 && by > (worst?.by ?? 0)) worst = { by, excess: { starts, windowMs, allowed } };
  }
  return worst?.excess;
};
