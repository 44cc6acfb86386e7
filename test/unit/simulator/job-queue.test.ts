import { describe } from "vitest";
import { decodeMessage } from "../../../lambdas/adapters/sqs/job-queue.ts";
import { describeJobQueue } from "../../conformance/job-queue.suite.ts";
import type { JobQueueStage } from "../../conformance/job-queue.suite.ts";
import { describeJobScheduler } from "../../conformance/job-scheduler.suite.ts";
import { functionsOf } from "../../simulator/functions.ts";
import { makePlan } from "../../simulator/plan.ts";
import type { Plan } from "../../simulator/plan.ts";
import { makeWorld } from "../../simulator/world/world.ts";
import type { World } from "../../simulator/world/world.ts";

/** The world that the simulator breaks is, unbroken, the one that the embedded servers show. */

const calm: Plan = {
  ...makePlan({ seed: 1, hours: 1, jobs: 0 }),
  rates: {},
  outages: [],
  skewMs: 0,
  // The suites take the present for now.
  startMs: Date.now(),
};

const unbroken = (): World => {
  const world: World = makeWorld(calm, {
    isTraced: false,
    without: new Set(),
    // So that time moves on to it.
    onVisible: (_, atMs) => world.time.at(atMs, () => undefined),
    onWrite: () => undefined,
  });
  return world;
};

/** What a process asks of the world happens only while time passes. */
const whilePassing = async <T>({ time }: World, work: Promise<T>): Promise<T> => {
  let isOver = false;
  const over = () => (isOver = true);
  work.then(over, over);
  while (!isOver) {
    // What was called settles first, and then asks something of time.
    await new Promise((resolve) => setImmediate(resolve));
    await time.run((events) => events < 1 && !isOver);
  }
  return work;
};

const stageOf = (): JobQueueStage => {
  const world = unbroken();
  const { queue } = functionsOf(world, world.newProcess("sender"), "sender");
  const { sqs, time } = world;
  return {
    queue: {
      send: (message, dueAtMs) => whilePassing(world, queue.send(message, dueAtMs)),
      withdraw: (message, dueAtMs) => whilePassing(world, queue.withdraw(message, dueAtMs)),
    },
    now: time.now,
    async receive(from, withinMs) {
      const untilMs = time.now() + withinMs;
      time.at(untilMs, () => undefined);
      let [found] = sqs.receive(from, 1);
      while (found === undefined && time.now() < untilMs) {
        await time.run((events) => events < 1);
        [found] = sqs.receive(from, 1);
      }
      if (found === undefined) return undefined;
      const message = found;
      return {
        message: decodeMessage(message.body),
        atMs: time.now(),
        delete: async () => sqs.delete(from, [message]),
        giveBack: async () => sqs.giveBack(from, message.receipt),
      };
    },
  };
};

describe("the simulated queues and schedules", () => {
  describeJobQueue("the simulated SQS", async () => stageOf());
  describeJobScheduler("the simulated Scheduler", async () => {
    const world = unbroken();
    const { scheduler } = functionsOf(world, world.newProcess("sender"), "sender");
    return {
      scheduler: {
        schedule: (message, dueAtMs) => whilePassing(world, scheduler.schedule(message, dueAtMs)),
        unschedule: (message, dueAtMs) =>
          whilePassing(world, scheduler.unschedule(message, dueAtMs)),
      },
      standing: async () => world.scheduler.count,
    };
  });
});
