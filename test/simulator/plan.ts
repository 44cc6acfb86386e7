import { MINUTE_MS, MONTH_MS, plannedJob, TENANTS } from "./planned-job.ts";
import type { PlannedJob } from "./planned-job.ts";
import { NamedChance } from "./world/chance.ts";
import type { Fault } from "./world/faults.ts";
import type { Service } from "./world/world.ts";

/** Everything that a run does of itself, and how bad the world is: all of it from the seed. */
export interface Plan {
  readonly seed: number;
  readonly startMs: number;
  readonly jobs: readonly PlannedJob[];
  readonly rates: Readonly<Partial<Record<Fault, number>>>;
  /** Times from the start on. */
  readonly outages: readonly {
    readonly service: Service;
    readonly fromMs: number;
    readonly untilMs: number;
  }[];
  readonly faultsEndMs: number;
  /** How far each process's clock may be off, either way. */
  readonly skewMs: number;
  /** When somebody reads which tenant's list, page by page. */
  readonly lists: readonly { readonly tenantId: string; readonly atMs: number }[];
  /** When a tenant puts another signing secret. */
  readonly secrets: readonly { readonly tenantId: string; readonly atMs: number }[];
  /** How long a job is kept after its end, and when the table deletes what is expired by then. */
  readonly retentionMs: number;
  readonly sweepsAtMs: readonly number[];
  /** Whether a function that runs for too long is ended, as Lambda does. */
  readonly endsLongRuns: boolean;
}

const START_MS = Date.UTC(2026, 0, 1);

export interface PlanOptions {
  readonly seed: number;
  readonly hours: number;
  readonly jobs: number;
}

export const makePlan = ({ seed, hours, jobs: count }: PlanOptions): Plan => {
  const chance = new NamedChance(seed);
  const spanMs = hours * 60 * MINUTE_MS;
  const retentionMs = retentionOf(chance);
  const jobs = Array.from({ length: count }, (_, ordinal) =>
    plannedJob(chance, ordinal, spanMs, retentionMs),
  );
  const mood = moods[chance.between("mood", 0, moods.length - 1)] as Mood;
  return {
    seed,
    startMs: START_MS,
    jobs,
    rates: ratesOf(chance, mood),
    outages: mood === "calm" ? [] : outagesOf(chance, spanMs),
    faultsEndMs: spanMs,
    skewMs: mood === "calm" ? 0 : chance.pick("skew", [0, 50, 2_000]),
    lists: TENANTS.flatMap((tenantId) =>
      [1, 2, 3].map((nth) => ({ tenantId, atMs: chance.pure(`list ${tenantId} ${nth}`) * spanMs })),
    ),
    secrets: TENANTS.flatMap((tenantId) =>
      Array.from({ length: chance.pick(`secrets of ${tenantId}`, [0, 0, 1, 1, 2]) }, () => ({
        tenantId,
        atMs: chance.fraction(`secret of ${tenantId}`) * spanMs,
      })),
    ),
    retentionMs,
    sweepsAtMs: retentionMs === MONTH_MS ? [] : sweepsOf(chance, spanMs),
    endsLongRuns: chance.fraction("ends long runs") < 0.7,
  };
};

/** In some seeds jobs are forgotten while others are still being posted. */
const retentionOf = (chance: NamedChance): number =>
  chance.fraction("forgets soon") < 0.2
    ? chance.between("retention", 15, 45) * MINUTE_MS
    : MONTH_MS;

/** The table deletes late what is expired; now and then here, and some of it never. */
const sweepsOf = (chance: NamedChance, spanMs: number): readonly number[] =>
  Array.from({ length: 12 }, () => chance.fraction("sweep") ** 3 * 20 * spanMs);

/** One seed in ten shows a world without faults, where every job costs exactly what it should. */
const moods = [
  "calm",
  "mild",
  "mild",
  "usual",
  "usual",
  "usual",
  "bad",
  "bad",
  "one_kind",
  "one_kind",
] as const;
type Mood = (typeof moods)[number];

const usualRates: Readonly<Record<Fault, number>> = {
  killed_before: 0.01,
  killed_after: 0.01,
  frozen_before: 0.01,
  frozen_after: 0.01,
  throttled: 0.01,
  request_lost: 0.01,
  answer_lost: 0.015,
  carried_out_late: 0.005,
  message_doubled: 0.03,
  message_late: 0.02,
  delete_lost: 0.02,
  old_receipt_deletes: 0.5,
  batch_in_part: 0.05,
  invocation_throttled: 0.02,
  fired_late: 0.05,
  fired_twice: 0.05,
  fired_at_once: 0.02,
  index_stale: 0.2,
  transaction_conflict: 0.03,
  keys_unprocessed: 0.2,
  client_hears_nothing: 0.03,
};

const ratesOf = (chance: NamedChance, mood: Mood): Plan["rates"] => {
  const scaled = (factor: number) =>
    Object.fromEntries(
      Object.entries(usualRates).map(([fault, rate]) => [fault, Math.min(0.9, rate * factor)]),
    );
  switch (mood) {
    case "calm":
      return {};
    case "mild":
      return scaled(0.3);
    case "usual":
      return scaled(1);
    case "bad":
      return scaled(3);
    case "one_kind": {
      const fault = chance.pick("kind", Object.keys(usualRates) as Fault[]);
      return { old_receipt_deletes: 0.5, [fault]: Math.min(0.5, usualRates[fault] * 12) };
    }
  }
};

const services: readonly Service[] = [
  "table",
  "sqs",
  "scheduler",
  "lambda",
  "deliver",
  "destinations",
];

const outagesOf = (chance: NamedChance, spanMs: number): Plan["outages"] =>
  Array.from({ length: chance.between("outages", 0, 3) }, () => {
    const fromMs = chance.fraction("outage from") * spanMs;
    const lengthMs = chance.fraction("outage length") ** 2 * 60 * MINUTE_MS;
    return {
      service: chance.pick("outage of", services),
      fromMs,
      untilMs: fromMs + lengthMs,
    };
  });
