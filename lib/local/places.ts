import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { LimitFunction } from "p-limit";

/**
 * The places of the local runtime's workers: so many invocations work at once. One that waits for a
 * slot gives its place to another, where Lambda would start one more.
 */
export class Places {
  readonly #limit: LimitFunction;
  readonly #held = new AsyncLocalStorage<{ leave: () => void }>();

  constructor(limit: LimitFunction) {
    this.#limit = limit;
  }

  /** Resolves when a place is free, and takes none. */
  async whenFree(): Promise<void> {
    await this.#limit(() => undefined);
  }

  /** So many more could begin now. */
  get free(): number {
    const { concurrency, activeCount, pendingCount } = this.#limit;
    return concurrency - activeCount - pendingCount;
  }

  get all(): number {
    return this.#limit.concurrency;
  }

  /** Does something that needs a place, once there is one. */
  async in<T>(work: () => Promise<T>): Promise<T> {
    const place = { leave: await this.#take() };
    try {
      return await this.#held.run(place, work);
    } finally {
      place.leave();
    }
  }

  /** Waits without the place that whoever calls this is in. */
  pause = async (ms: number): Promise<void> => {
    const place = this.#held.getStore();
    place?.leave();
    await sleep(ms);
    if (place) place.leave = await this.#take();
  };

  /** @returns gives the place back */
  #take(): Promise<() => void> {
    return new Promise((taken) => {
      void this.#limit(() => new Promise<void>((leave) => taken(leave)));
    });
  }
}
