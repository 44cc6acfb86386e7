import type { ScheduleStore, StoredSchedule } from "./store.ts";

export interface FiringDeps {
  readonly store: ScheduleStore;
  readonly clock: { now(): number };
  /** Resolves once the queue has the message. */
  readonly send: (queueArn: string, body: string) => Promise<void>;
}

export interface Firing {
  /** To be called after whatever may have brought the next firing nearer: a new schedule, the clock. */
  wake(): void;
  /** Finishes what is being sent. */
  stop(): Promise<void>;
}

const AT_ONCE = 32;
/**
 * No timer waits longer, however far the next firing is. A timer over 2^31-1 ms fires at once, and
 * one that a machine slept through fires late by the time it slept: so the clock is looked at often.
 */
const LONGEST_WAIT_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Sends each schedule's message when its time has come, also if that was while nobody ran. At least
 * once: a schedule is over only after the queue has its message, so a crash between the two sends it
 * again.
 *
 * What cannot be sent is tried again, ever more slowly, until its retry policy ends that; then it
 * goes to its dead-letter queue, and is dropped if it has none.
 */
export const startFiring = ({ store, clock, send }: FiringDeps): Firing => {
  let timer: NodeJS.Timeout | undefined;
  let firing: Promise<void> | undefined;
  let isStopped = false;

  const wake = () => {
    if (isStopped || firing) return; // whoever is firing looks again before it rests
    clearTimeout(timer);
    firing = fireDue().finally(() => {
      firing = undefined;
      rest();
    });
  };

  async function fireDue(): Promise<void> {
    // Lets the caller's answer out first, and keeps `wake` from running into itself.
    await Promise.resolve();
    for (;;) {
      const due = isStopped ? [] : store.due(clock.now(), AT_ONCE);
      if (due.length === 0) return;
      await Promise.all(due.map(fire));
    }
  }

  function rest(): void {
    const nextAtMs = isStopped ? undefined : store.nextDueAtMs();
    if (nextAtMs === undefined) return;
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, Math.ceil(nextAtMs - clock.now())));
    timer = setTimeout(wake, waitMs);
  }

  async function fire(schedule: StoredSchedule): Promise<void> {
    const { Target: target } = schedule.definition;
    const { RetryPolicy: policy, DeadLetterConfig: deadLetters } = target;
    const startedAtMs = clock.now();
    const firstTriedAtMs = schedule.firstTriedAtMs ?? startedAtMs;
    const ageMs = startedAtMs - firstTriedAtMs;
    const isGivenUp =
      schedule.tries > policy.MaximumRetryAttempts ||
      ageMs > policy.MaximumEventAgeInSeconds * 1_000;
    const queueArn = isGivenUp ? deadLetters?.Arn : target.Arn;
    try {
      if (queueArn !== undefined) await send(queueArn, target.Input);
    } catch {
      const tries = schedule.tries + 1;
      const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** schedule.tries);
      replace(schedule, { ...schedule, tries, firstTriedAtMs, dueAtMs: clock.now() + waitMs });
      return;
    }
    const isKept = schedule.definition.ActionAfterCompletion === "NONE";
    replace(schedule, isKept ? { ...schedule, dueAtMs: null } : undefined);
  }

  /** Unless somebody changed or deleted it meanwhile. */
  function replace(fired: StoredSchedule, by: StoredSchedule | undefined): void {
    const { group, name } = fired;
    const now = store.find(group, name);
    if (now?.createdAtMs !== fired.createdAtMs || now.modifiedAtMs !== fired.modifiedAtMs) return;
    if (by) store.put(by);
    else store.delete(group, name);
  }

  wake();
  return {
    wake,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await firing;
    },
  };
};
