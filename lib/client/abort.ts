/** Waiting that can be called off. */

/** @throws the signal's reason, at once, when it is aborted */
export const sleep = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      // Whatever the caller aborted with, like fetch does.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });

/**
 * A signal that is aborted with the caller's, or when the time is over. `AbortSignal.any` would do
 * the same and hang on to a long-lived signal of the caller's for each call that it was given to.
 */
export const withDeadline = (timeoutMs: number, signal: AbortSignal | undefined): Deadline => {
  const controller = new AbortController();
  let isOver = false;
  const stop = () => controller.abort(signal?.reason);
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, timeoutMs);
  if (signal?.aborted === true) stop();
  else signal?.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    isOver: () => isOver,
    clear: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    },
  };
};

export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether it was the time that ran out. */
  isOver(): boolean;
  clear(): void;
}
