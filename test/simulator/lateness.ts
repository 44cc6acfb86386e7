import type { Plan } from "./plan.ts";

const MINUTE_MS = 60_000;

/**
 * How late a step may come, counted from when it was due, or from when faults were over. What was on
 * its way before they were may still be late: schedules by a quarter of an hour, and a message that
 * went to the dead-letter queue waits there for up to a day.
 */
const PROMPT_MS = MINUTE_MS;
const AFTER_FAULTS_MS = 20 * MINUTE_MS;
const DEAD_LETTER_MS = 25 * 60 * MINUTE_MS;

/** From then on nothing goes wrong any more; in a calm world from the start. */
export const quietFromMs = ({ startMs, rates, faultsEndMs, outages }: Plan): number =>
  startMs +
  Math.max(
    Object.keys(rates).length === 0 ? 0 : faultsEndMs,
    ...outages.map(({ untilMs }) => untilMs),
  );

/** From then on nothing is on its way that met a fault. */
export const settledFromMs = (plan: Plan): number => {
  const quietMs = quietFromMs(plan);
  return quietMs === plan.startMs ? quietMs : quietMs + AFTER_FAULTS_MS;
};

export const latenessAllowedMs = (step: {
  readonly settledFromMs: number;
  /** Since when it is waited for. */
  readonly sinceMs: number;
  readonly isDeadLettered: boolean;
}): number => {
  if (step.isDeadLettered) return DEAD_LETTER_MS;
  return step.sinceMs < step.settledFromMs ? AFTER_FAULTS_MS : PROMPT_MS;
};
