/**
 * Time that passes only when nothing is left to do: events in order of their instants, and in the
 * order in which they were asked for where these are equal. One event at a time, and everything that
 * it set in motion settles before the next one.
 */
export class VirtualTime {
  #nowMs: number;
  readonly #events: Event[] = [];
  #asked = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now = (): number => this.#nowMs;

  /** Runs it at that instant, or next if that has passed. */
  at(atMs: number, run: () => void): void {
    this.#asked += 1;
    push(this.#events, { atMs: Math.max(atMs, this.#nowMs), order: this.#asked, run });
  }

  after(ms: number, run: () => void): void {
    this.at(this.#nowMs + ms, run);
  }

  /**
   * Lets time pass until nothing is left to come.
   *
   * @param mayGoOn asked before each event; the first `false` ends it
   */
  async run(mayGoOn: (events: number) => boolean): Promise<void> {
    for (let events = 0; this.#events.length > 0 && mayGoOn(events); events += 1) {
      const event = pop(this.#events);
      this.#nowMs = event.atMs;
      event.run();
      await settled();
    }
  }
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** After every promise that can settle now has done so: the microtasks, and Node's next ticks. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const isBefore = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap, the earliest event first. */
const push = (heap: Event[], event: Event): void => {
  let at = heap.length;
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt] as Event;
    if (!isBefore(event, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = event;
};

const pop = (heap: Event[]): Event => {
  const first = heap[0] as Event;
  const last = heap.pop() as Event;
  const { length } = heap;
  if (length === 0) return first;
  let at = 0;
  for (;;) {
    let childAt = 2 * at + 1;
    if (childAt >= length) break;
    const right = heap[childAt + 1];
    if (right !== undefined && isBefore(right, heap[childAt] as Event)) childAt += 1;
    const child = heap[childAt] as Event;
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = last;
  return first;
};
