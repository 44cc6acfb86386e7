import { CreateTableCommand, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { makeDynamoJobList } from "../../lambdas/adapters/dynamodb/job-list.ts";
import { makeDynamoJobStore } from "../../lambdas/adapters/dynamodb/job-store.ts";
import { tableDefinition } from "../../lib/local/provision.ts";
import { ApiClients } from "./api-clients.ts";
import { writeUnitsAllowed, writeUnitsOfOthers } from "./budget.ts";
import { EventSource } from "./event-source.ts";
import { INDEX_SHARDS, TABLE_NAME } from "./functions.ts";
import { History } from "./history.ts";
import { jobOf } from "./lives.ts";
import { Monitor } from "./monitor.ts";
import type { Plan } from "./plan.ts";
import type { TraceLine } from "./trace.ts";
import { judgeRareLists } from "./verdict/lists.ts";
import { verdictOn } from "./verdict/verdict.ts";
import type { Violation } from "./verdict/verdict.ts";
import { INDEX_LAG_MS, makeWorld } from "./world/world.ts";
import type { World } from "./world/world.ts";

export interface RunResult {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  /** The planned jobs that each job's id was answered to. */
  readonly ordinalsOf: ReadonlyMap<string, readonly number[]>;
  /** Equal for equal runs. */
  readonly digest: string;
  /** Names of the faults that happened. */
  readonly faults: readonly string[];
  readonly lines: readonly TraceLine[];
  readonly counts: RunCounts;
}

export interface RunCounts {
  readonly jobs: number;
  readonly requests: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly sqsRequests: number;
  readonly schedulerRequests: number;
  readonly invocations: number;
}

export interface RunOptions {
  /** Keeps what happened in words. @default false */
  readonly isTraced?: boolean;
  /** Faults that are left out, by name. @default none */
  readonly without?: ReadonlySet<string>;
}

/** So many events a job: ten times what the worst of worlds takes. */
const MAX_EVENTS_A_JOB = 3_000;
/** How often messages of one job may be received: beyond it something spins. */
const receivesAllowed = (attempts: number, faults: number) => 60 + 5 * attempts + 2 * faults;

/** Lives a plan through, until nothing is left to happen, and judges it. */
export const runSimulation = async (
  plan: Plan,
  { isTraced = false, without = new Set() }: RunOptions = {},
): Promise<RunResult> => {
  const monitor = new Monitor({
    plan,
    now: () => world.time.now(),
    writer: () => world.acting.process,
  });
  const source = new EventSource(() => world, monitor);
  const world: World = makeWorld(plan, {
    isTraced,
    without,
    onVisible: (queue, atMs) => source.lookAt(queue, atMs),
    onWrite: monitor.onWrite,
    onDeadLetter: monitor.onDeadLetter,
  });
  makeTable(world);
  const history = new History();
  new ApiClients(world, history).start();

  const maxEvents = MAX_EVENTS_A_JOB * (plan.jobs.length + 1);
  let isAtRest = true;
  await world.time.run((events) => (isAtRest = events < maxEvents));
  const countedAtRest = countsOf(world, source, monitor);
  // So that the indexes show all that was written.
  if (isAtRest) {
    world.time.after(INDEX_LAG_MS, () => undefined);
    await world.time.run(() => true);
  }

  const table = { client: world.table.client(), name: TABLE_NAME, indexShards: INDEX_SHARDS };
  const store = makeDynamoJobStore({ ...table, retentionMs: 1 }, () => "verdict");
  const violations = [
    ...(await verdictOn({
      plan,
      history,
      monitor,
      requests: world.destinations.requests,
      attemptsOf: (job) => store.listAttempts(job, 0, 1_000),
    })),
    ...(isAtRest ? atRest(world) : [{ jobId: "", what: "it never came to rest" }]),
    ...(await judgeRareLists(makeDynamoJobList(table), monitor, world.time.now())),
    ...spinning(source, monitor, world.faults.happened),
    ...(isCalm(plan) ? overBudget(countedAtRest, plan, history, monitor) : []),
  ];
  return {
    plan,
    violations,
    ordinalsOf: new Map(
      [...Map.groupBy(history.accepted, ({ id }) => id)].map(([id, posts]) => [
        id,
        [...new Set(posts.map(({ job }) => job.ordinal))],
      ]),
    ),
    digest: world.trace.digest,
    faults: world.faults.happened,
    lines: world.trace.lines,
    counts: countedAtRest,
  };
};

/** Deletes what is expired when the plan says so. */
const makeTable = ({ table, time, plan }: World): void => {
  table.apply(new CreateTableCommand({ ...tableDefinition, TableName: TABLE_NAME }));
  const TimeToLiveSpecification = { AttributeName: "expires_at", Enabled: true };
  table.apply(new UpdateTimeToLiveCommand({ TableName: TABLE_NAME, TimeToLiveSpecification }));
  for (const atMs of plan.sweepsAtMs) {
    time.at(plan.startMs + atMs, () => table.deleteExpired());
  }
};

const atRest = ({ sqs, scheduler }: World): readonly Violation[] =>
  [
    ...(["high", "normal", "low", "deadLetters", "parked"] as const).map(
      (queue) => [`messages in ${queue}`, sqs.countOf(queue)] as const,
    ),
    ["schedules", scheduler.count] as const,
  ]
    .filter(([, count]) => count > 0)
    .map(([what, count]) => ({ jobId: "", what: `at rest there are still ${count} ${what}` }));

const spinning = (
  { receivesOf }: EventSource,
  { lives }: Monitor,
  faults: readonly string[],
): readonly Violation[] => {
  const faultsOf = Map.groupBy(faults, (name) => /job_[0-9A-Z]{26}/.exec(name)?.[0] ?? "");
  return [...receivesOf].flatMap(([jobId, receives]) => {
    const attempts = lives.of(jobId).reduce((sum, { claims }) => sum + claims.length, 0);
    const allowed = receivesAllowed(attempts, faultsOf.get(jobId)?.length ?? 0);
    if (receives <= allowed) return [];
    return [{ jobId, what: `its messages were received ${receives} times, of ${allowed} allowed` }];
  });
};

const isCalm = ({ rates, outages, skewMs }: Plan): boolean =>
  Object.keys(rates).length === 0 && outages.length === 0 && skewMs === 0;

/** What DynamoDB bills, in a world without faults. */
const overBudget = (
  { writeUnits }: RunCounts,
  plan: Plan,
  history: History,
  { lives }: Monitor,
): readonly Violation[] => {
  let allowed = writeUnitsOfOthers(history, plan.jobs);
  for (const life of lives.all()) {
    const job = jobOf(life);
    const ordinalOfJob = Number(new URL(job.destination.url).pathname.slice(1));
    const planned = plan.jobs.find(({ ordinal }) => ordinal === ordinalOfJob);
    if (planned) allowed += writeUnitsAllowed(job, life, planned);
  }
  return writeUnits <= allowed
    ? []
    : [{ jobId: "", what: `${writeUnits} write units were taken, of ${allowed} allowed` }];
};

const countsOf = (world: World, source: EventSource, monitor: Monitor): RunCounts => {
  const { sqs, scheduler, table, destinations } = world;
  const { send, receive, delete: deletes, hide } = sqs.requests;
  return {
    jobs: monitor.lives.count,
    requests: destinations.requests.length,
    writeUnits: table.consumed.writeUnits,
    readUnits: table.consumed.readUnits,
    sqsRequests: send + receive + deletes + hide,
    schedulerRequests: scheduler.requests.create + scheduler.requests.delete,
    invocations: source.invocations,
  };
};
