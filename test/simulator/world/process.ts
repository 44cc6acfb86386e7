import type { Clock } from "../../../lambdas/core/ports.ts";
import type { NamedChance } from "./chance.ts";
import type { CallFault, Faults } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface ProcessProps {
  readonly name: string;
  readonly time: VirtualTime;
  readonly chance: NamedChance;
  readonly faults: Faults;
  /** How far its clock is off. */
  readonly skewMs: number;
}

export interface CallProps {
  readonly limitMs: number;
  readonly isDown: boolean;
  readonly isSentAtOnce?: boolean;
}

/** How long either way takes: some milliseconds, and one in fifty up to a third of a second. */
const LATENCY_MS = { least: 1, most: 12, mostOfSlow: 300 };
const SLOW = 0.02;
const latencyMs = (draw: number): number =>
  draw < SLOW ? (draw / SLOW) * LATENCY_MS.mostOfSlow : LATENCY_MS.least + draw * LATENCY_MS.most;
/** What may cost a process the lease that it holds: of calls that were not answered, three. */
export const GRAVE_SETBACK = 3;
/** How long a process stands still. */
const FREEZE_MS = { least: 100, most: 240_000 };

/**
 * A process that runs our code: its clock is off, it may stand still, and it may end at any await.
 * What it has sent by then is on its way all the same; of an ended process no promise ever settles.
 */
export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly #props: ProcessProps;
  readonly #setbacks: { readonly atMs: number; readonly weight: number }[] = [];
  #isDead = false;
  #thawsAtMs = 0;
  #onDeath: () => void = () => undefined;

  constructor(props: ProcessProps) {
    this.name = props.name;
    this.#props = props;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  now(): number {
    // A real clock counts in whole milliseconds.
    return Math.floor(this.#props.time.now() + this.#props.skewMs);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#later(ms, resolve));
  }

  kill(): void {
    if (this.#isDead) return;
    this.suffer(GRAVE_SETBACK);
    this.#isDead = true;
    this.#onDeath();
  }

  /** Something befell it that takes its time. */
  suffer(weight: number): void {
    this.#setbacks.push({ atMs: this.#props.time.now(), weight });
  }

  setbacksSince(ms: number): number {
    const since = this.#setbacks.filter(({ atMs }) => atMs >= ms);
    return since.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** Who is to be told of its death: one at a time, for it does one thing at a time. */
  onDeath(told: () => void): void {
    this.#onDeath = told;
  }

  /**
   * One call to the world, and what it meets on its way.
   *
   * @param place names the call: who, about which job, what
   * @param carryOut the world's doing; what it throws is the answer
   * @param how after how long an answer that does not come is given up, and whether the whole
   *   service is out of order
   */
  call<T>(place: string, carryOut: () => T, how: CallProps): Promise<T> {
    const fault = how.isDown ? "throttled" : this.#props.faults.ofCall(place);
    // Nothing can look at the clock and send in one step, so no standstill is put in between.
    const met = how.isSentAtOnce && fault === "frozen_before" ? "frozen_after" : fault;
    return this.#dial(place, met, carryOut, how.limitMs);
  }

  #dial<T>(
    place: string,
    fault: CallFault | undefined,
    carryOut: () => T,
    limitMs: number,
  ): Promise<T> {
    const { time, chance } = this.#props;
    const freezeMs = () =>
      FREEZE_MS.least +
      Math.floor(chance.pure(`freeze|${place}`) ** 3 * (FREEZE_MS.most - FREEZE_MS.least));
    return new Promise<T>((resolve, reject) => {
      if (this.#isDead) return;
      const thereMs = latencyMs(chance.pure(`there|${place}`));
      const backMs = latencyMs(chance.pure(`back|${place}`));
      const giveUp = () => this.#later(limitMs, () => reject(new NoAnswer(place)));
      const send = (answer: (settle: () => void) => void, afterMs = thereMs) =>
        time.after(afterMs, () => {
          let settle: () => void;
          try {
            const result = carryOut();
            settle = () => resolve(result);
          } catch (error) {
            settle = () => reject(error as Error);
          }
          answer(settle);
        });
      const answerSoon = (settle: () => void) => this.#later(backMs, settle);
      switch (fault) {
        case undefined:
          return send(answerSoon);
        case "killed_before":
          return this.kill();
        case "killed_after":
          return send(() => this.kill());
        case "frozen_before":
          this.#freeze(freezeMs());
          return this.#later(0, () => send(answerSoon));
        case "frozen_after":
          return send((settle) => {
            this.#freeze(freezeMs());
            answerSoon(settle);
          });
        case "throttled":
          return this.#later(thereMs + backMs, () => reject(new Throttled(place)));
        case "request_lost":
          return giveUp();
        case "answer_lost":
          send(() => undefined);
          return giveUp();
        case "carried_out_late":
          // What its repeat was told may not be true any more.
          this.suffer(GRAVE_SETBACK);
          send(() => undefined, limitMs + 500 + chance.pure(`late|${place}`) * 5_000);
          return giveUp();
      }
    });
  }

  #freeze(ms: number): void {
    this.suffer(GRAVE_SETBACK);
    this.#thawsAtMs = Math.max(this.#thawsAtMs, this.#props.time.now() + ms);
  }

  #later(ms: number, run: () => void): void {
    const { time } = this.#props;
    const runIfAlive = () => {
      if (this.#isDead) return;
      if (time.now() < this.#thawsAtMs) time.at(this.#thawsAtMs, runIfAlive);
      else run();
    };
    time.after(ms, runIfAlive);
  }
}

/** The service said that it could not. */
export class Throttled extends Error {
  constructor(place: string) {
    super(`throttled: ${place}`);
    this.name = "ThrottlingException";
  }
}

/** Nothing was heard. */
export class NoAnswer extends Error {
  constructor(place: string) {
    super(`no answer: ${place}`);
    this.name = "TimeoutError";
  }
}
