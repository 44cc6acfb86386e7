import { queues } from "../../../lib/topology.ts";
import type { QueueName } from "../../../lib/topology.ts";
import { Trace } from "../trace.ts";
import type { Plan } from "../plan.ts";
import { NamedChance } from "./chance.ts";
import { Destinations } from "./destinations.ts";
import { SimulatedDynamoDb } from "./dynamodb.ts";
import { Faults } from "./faults.ts";
import { SimulatedProcess } from "./process.ts";
import { SimulatedScheduler } from "./scheduler.ts";
import { SimulatedSqs } from "./sqs.ts";
import { VirtualTime } from "./virtual-time.ts";

/** For how long an index may not show what was written. */
export const INDEX_LAG_MS = 1_000;

export const queueUrl = (queue: QueueName): string => `https://sqs/000000000000/${queue}`;
export const queueArn = (queue: QueueName): string => `arn:aws:sqs:us-east-1:000000000000:${queue}`;

/** Everything that is not our code: time, chance, the services, and whom the jobs go to. */
export interface World {
  readonly plan: Plan;
  readonly time: VirtualTime;
  readonly chance: NamedChance;
  readonly faults: Faults;
  readonly trace: Trace;
  readonly table: SimulatedDynamoDb;
  readonly sqs: SimulatedSqs;
  readonly scheduler: SimulatedScheduler;
  readonly destinations: Destinations;
  /** Whose call the table carries out at the moment. */
  readonly acting: { process: SimulatedProcess | undefined };
  /** Whether a whole service is out of order now. */
  isDown(service: Service): boolean;
  newProcess(name: string): SimulatedProcess;
}

type OnWrite = NonNullable<ConstructorParameters<typeof SimulatedDynamoDb>[0]["onWrite"]>;

/** `deliver` is the delivery function alone; `destinations` are every other job's. */
export type Service = "table" | "sqs" | "scheduler" | "lambda" | "deliver" | "destinations";

export const makeWorld = (
  plan: Plan,
  options: {
    readonly isTraced: boolean;
    readonly without: ReadonlySet<string>;
    readonly onVisible: (queue: string, atMs: number) => void;
    readonly onWrite: OnWrite;
    readonly onDeadLetter?: (body: string) => void;
  },
): World => {
  const time = new VirtualTime(plan.startMs);
  const trace = new Trace(time.now, options.isTraced);
  const chance = new NamedChance(plan.seed);
  const faults = new Faults({
    chance,
    now: time.now,
    rates: plan.rates,
    endAtMs: plan.startMs + plan.faultsEndMs,
    without: options.without,
    trace,
  });
  const sqs = new SimulatedSqs({
    time,
    chance,
    faults,
    queues: Object.entries(queues).map(([name, { visibilitySeconds, redrive }]) => ({
      name,
      visibilityMs: visibilitySeconds * 1_000,
      ...(redrive ? { redrive } : {}),
    })),
    onVisible: options.onVisible,
    ...(options.onDeadLetter ? { onDeadLetter: options.onDeadLetter } : {}),
  });
  const scheduler = new SimulatedScheduler({
    time,
    chance,
    faults,
    send: (arn, body) => void sqs.send(arn.split(":").at(-1) ?? "", body),
  });
  const table = new SimulatedDynamoDb({
    now: time.now,
    onWrite: options.onWrite,
    indexLagMs: () => {
      const place = `index at ${time.now()}`;
      return faults.hits("index_stale", place) ? chance.pure(place) * INDEX_LAG_MS : 0;
    },
  });
  const isDown = (service: Service): boolean =>
    plan.outages.some(
      (outage) =>
        outage.service === service &&
        time.now() >= plan.startMs + outage.fromMs &&
        time.now() < plan.startMs + outage.untilMs,
    );
  const processes = new Map<string, number>();
  return {
    plan,
    time,
    chance,
    faults,
    trace,
    table,
    sqs,
    scheduler,
    destinations: new Destinations({
      time,
      chance,
      trace,
      plan,
      isDown: () => isDown("destinations"),
    }),
    acting: { process: undefined },
    isDown,
    newProcess: (called) => {
      const nth = (processes.get(called) ?? 0) + 1;
      processes.set(called, nth);
      // Tokens begin with it: two clients of one job must not take each other's writes for theirs.
      const name = nth === 1 ? called : `${called} (${nth})`;
      return new SimulatedProcess({
        name,
        time,
        chance,
        faults,
        skewMs: Math.round((chance.pure(`skew|${name}`) * 2 - 1) * plan.skewMs),
      });
    },
  };
};
