import { defaultRetryPolicy } from "../../lambdas/core/rules/backoff.ts";
import type { RetryPolicy } from "../../lambdas/core/rules/backoff.ts";
import type { Priority } from "../../lambdas/core/rules/job.ts";
import type { NamedChance } from "./world/chance.ts";

/** A job as its client wants it, and what the client does with it later. */
export interface PlannedJob {
  readonly ordinal: number;
  readonly tenantId: string;
  readonly postAtMs: number;
  /** Posted together with others, as their n-th. */
  readonly batch: { readonly name: string; readonly item: number } | undefined;
  /** Shared by all of a batch; another tenant may have the same. */
  readonly idempotencyKey: string | undefined;
  /** Posts at once, with the same key if there are several. */
  readonly posts: number;
  /** Whether the last of several says something else. */
  readonly hasConflict: boolean;
  /** When it is posted once more, with its key, and what that post says. */
  readonly postedAgain: { readonly afterMs: number; readonly body: 0 | 1 } | null;
  readonly dedupeKey: string | null;
  readonly priority: Priority;
  readonly executeAfterMs: number | null;
  readonly maxAttempts: number;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  readonly payload: string;
  /** How its requests end, one after another; the last goes on for ever. */
  readonly answers: readonly DestinationAnswer[];
  /** How long its client waits before it asks again: some for longer than a tombstone takes. */
  readonly isPatient: boolean;
  readonly cancelAfterMs: number | null;
  readonly retryAfterMs: readonly number[];
}

export type DestinationAnswer =
  | "ok"
  | "error"
  | "gone"
  /** Fails, and asks by a header for no further attempt. */
  | "aborts"
  /** Asks to be left alone: for so many seconds, or until a date. */
  | "busy_for"
  | "busy_until"
  | "hangs"
  | "resets"
  | "ok_unheard"
  | "slow"
  | "refuses";

export const MINUTE_MS = 60_000;
/** The retention of most seeds. */
export const MONTH_MS = 30 * 24 * 60 * MINUTE_MS;
export const TENANTS = ["acme", "beta", "gamma"];

export const plannedJob = (
  chance: NamedChance,
  ordinal: number,
  spanMs: number,
  retentionMs: number,
): PlannedJob => {
  const of = (what: string) => `job ${ordinal}|${what}`;
  const batch = batchOf(chance, ordinal);
  const isTwin = isTwinOf(chance, ordinal);
  const common = (what: string) => `job ${isTwin ? ordinal - 1 : ordinal}|${what}`;
  const isLikely = (what: string, likelihood: number) => chance.fraction(of(what)) < likelihood;
  const isKeyed = isLikely("keyed", 0.7);
  const isSingle = isKeyed && batch === undefined;
  const retry = chance.pick<RetryPolicy>(of("retry"), [
    defaultRetryPolicy,
    { kind: "schedule", delaysMs: [100, 1_000, 30_000] },
    { kind: "schedule", delaysMs: [20 * MINUTE_MS] },
    { kind: "doubling", baseMs: 500, maxMs: 30_000 },
    { kind: "doubling", baseMs: 1_000, maxMs: 3_600_000 },
  ]);
  return {
    ordinal,
    tenantId: tenantOf(chance, ordinal),
    postAtMs: Math.floor(chance.pure(batch?.name ?? common("post")) * spanMs),
    batch,
    idempotencyKey: batch
      ? keyOfBatch(chance, batch.name)
      : isKeyed
        ? keyOf(chance, ordinal)
        : undefined,
    posts: isSingle && isLikely("several posts", 0.15) ? chance.between(of("posts"), 2, 4) : 1,
    hasConflict: isLikely("conflict", 0.5),
    postedAgain:
      isSingle && isLikely("posted again", retentionMs === MONTH_MS ? 0.05 : 0.4)
        ? {
            afterMs: Math.floor(chance.fraction(of("posted again after")) * 120 * MINUTE_MS),
            body: isLikely("posted again with another body", 0.5) ? 1 : 0,
          }
        : null,
    dedupeKey:
      isTwin || chance.pure(common("dedupe")) < 0.2
        ? `dedupe-${Math.floor(chance.pure(common("dedupe key")) * 5)}`
        : null,
    priority: chance.pick<Priority>(of("priority"), ["normal", "normal", "high", "low"]),
    executeAfterMs: isLikely("ahead", 0.4) ? aheadMs(chance, of("ahead by")) : null,
    maxAttempts: chance.pick(of("max attempts"), [1, 2, 3, 5, 8, 8]),
    retry,
    timeoutMs: chance.pick(of("timeout"), [500, 10_000, 10_000, 30_000]),
    // Some are too big to ride in the job's own item.
    payload: JSON.stringify({
      job: ordinal,
      ...(isLikely("big", 0.2) ? { filler: "x".repeat(2_000) } : {}),
    }),
    answers: answersOf(chance, of("answers")),
    isPatient: isLikely("patient", 0.6),
    cancelAfterMs: isLikely("cancel", 0.15) ? aheadMs(chance, of("cancel after")) : null,
    retryAfterMs: isLikely("manual retry", 0.5)
      ? Array.from({ length: chance.between(of("retries"), 1, 3) }, () =>
          aheadMs(chance, of("retry after")),
        )
      : [],
  };
};

/** Some come at the same moment as another one, with its dedupe key. */
const isTwinOf = (chance: NamedChance, ordinal: number): boolean =>
  ordinal > 0 && batchOf(chance, ordinal) === undefined && chance.pure(`job ${ordinal}|twin`) < 0.1;

const tenantOf = (chance: NamedChance, ordinal: number): string => {
  const owner = isTwinOf(chance, ordinal) ? ordinal - 1 : ordinal;
  return TENANTS[Math.floor(chance.pure(`job ${owner}|tenant`) * TENANTS.length)] ?? "";
};

/** Two neighbours have the same key, if they belong to two tenants. */
const keyOf = (chance: NamedChance, ordinal: number): string => {
  const neighbour = ordinal ^ 1;
  const isOthers = tenantOf(chance, neighbour) !== tenantOf(chance, ordinal);
  return `key-${isOthers ? Math.min(ordinal, neighbour) : ordinal}`;
};

const BATCH_SIZE = 5;

/** Some neighbours are posted in one batch. */
const batchOf = (chance: NamedChance, ordinal: number): PlannedJob["batch"] => {
  const name = `batch ${Math.floor(ordinal / BATCH_SIZE)}`;
  const isOne = chance.pure(`${name}|is one`) < 0.15;
  return isOne ? { name, item: ordinal % BATCH_SIZE } : undefined;
};

const keyOfBatch = (chance: NamedChance, name: string): string | undefined =>
  chance.pure(`${name}|keyed`) < 0.7 ? `key of ${name}` : undefined;

/** Mostly soon, sometimes beyond what a queue can delay. */
const aheadMs = (chance: NamedChance, name: string): number =>
  Math.floor(chance.fraction(name) ** 4 * 120 * MINUTE_MS);

const answersOf = (chance: NamedChance, name: string): readonly DestinationAnswer[] => {
  if (chance.fraction(name) < 0.5) return ["ok"];
  const all: DestinationAnswer[] = [
    "ok",
    "ok",
    "error",
    "error",
    "gone",
    "aborts",
    "busy_for",
    "busy_until",
    "hangs",
    "resets",
    "ok_unheard",
    "slow",
    "refuses",
  ];
  return Array.from({ length: chance.between(name, 1, 6) }, () => chance.pick(name, all));
};
