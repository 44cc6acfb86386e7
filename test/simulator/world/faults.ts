import type { NamedChance } from "./chance.ts";
import type { Trace } from "../trace.ts";

/** What can go wrong with one call to a table, a queue, Scheduler or a destination. */
export type CallFault =
  /** The process ends before the call is made, or while it is on its way. */
  | "killed_before"
  | "killed_after"
  /** The process stands still before the call, or before its answer is read, for up to minutes. */
  | "frozen_before"
  | "frozen_after"
  /** Refused by the service, which says so. */
  | "throttled"
  /** Lost on its way: nothing happens, nothing is heard. */
  | "request_lost"
  /** Carried out, and nothing is heard. */
  | "answer_lost"
  /** Carried out, seconds after the caller gave up. */
  | "carried_out_late";

/** What else can go wrong, by whose doing. */
export type OtherFault =
  | "message_doubled"
  | "message_late"
  | "delete_lost"
  | "old_receipt_deletes"
  | "batch_in_part"
  | "invocation_throttled"
  | "fired_late"
  | "fired_twice"
  | "fired_at_once"
  | "index_stale"
  | "transaction_conflict"
  | "keys_unprocessed"
  | "client_hears_nothing";

export type Fault = CallFault | OtherFault;

export const callFaults: readonly CallFault[] = [
  "killed_before",
  "killed_after",
  "frozen_before",
  "frozen_after",
  "throttled",
  "request_lost",
  "answer_lost",
  "carried_out_late",
];

export interface FaultsProps {
  readonly chance: NamedChance;
  readonly now: () => number;
  /** How likely each is, wherever it can happen; what is left out never happens. */
  readonly rates: Readonly<Partial<Record<Fault, number>>>;
  /** From then on nothing goes wrong any more. */
  readonly endAtMs: number;
  /** Single faults that are left out, by their names: how a failure is made smaller. */
  readonly without: ReadonlySet<string>;
  readonly trace: Trace;
}

/** Decides what goes wrong where. The same place meets the same fault, whatever happens elsewhere. */
export class Faults {
  /** Names of all that happened, in order. */
  readonly happened: string[] = [];
  readonly #props: FaultsProps;
  readonly #nth = new Map<string, number>();
  readonly #callRate: number;

  constructor(props: FaultsProps) {
    this.#props = props;
    this.#callRate = callFaults.reduce((sum, fault) => sum + (props.rates[fault] ?? 0), 0);
  }

  /** The fault that this call meets, if it meets one. */
  ofCall(place: string): CallFault | undefined {
    const { chance, rates } = this.#props;
    if (this.#callRate === 0 || this.#isOver()) return undefined;
    let draw = chance.pure(place, this.#count(place));
    if (draw >= this.#callRate) return undefined;
    for (const fault of callFaults) {
      draw -= rates[fault] ?? 0;
      if (draw < 0) return this.#happens(fault, place) ? fault : undefined;
    }
    return undefined;
  }

  /** Whether this one happens here. */
  hits(fault: OtherFault, place: string): boolean {
    const { chance, rates } = this.#props;
    const rate = rates[fault] ?? 0;
    if (rate === 0 || this.#isOver()) return false;
    const name = `${fault}|${place}`;
    return chance.pure(name, this.#count(name)) < rate && this.#happens(fault, place);
  }

  #isOver = () => this.#props.now() >= this.#props.endAtMs;

  #count(name: string): number {
    const nth = this.#nth.get(name) ?? 0;
    this.#nth.set(name, nth + 1);
    return nth;
  }

  #happens(fault: Fault, place: string): boolean {
    const nth = this.#count(`happened|${fault}|${place}`);
    const name = `${fault} at ${place} (${nth})`;
    if (this.#props.without.has(name)) return false;
    this.happened.push(name);
    this.#props.trace.add(place, () => `fault: ${fault.replaceAll("_", " ")}`);
    return true;
  }
}
