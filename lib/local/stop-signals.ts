/** npm and the terminal both pass a Ctrl-C on: the second one is no impatience. */
const SAME_REQUEST_MS = 2_000;
const LOOK_FOR_PARENT_MS = 500;

/**
 * Resolves with the reason when the process is asked to stop: by a signal, or because the npm that
 * started it is gone (a supervisor may tell npm alone, which does not always pass it on). A signal
 * that comes later than the first one by two seconds ends the process at once.
 */
export const untilAskedToStop = (): Promise<string> =>
  new Promise((resolve) => {
    let askedAtMs: number | undefined;
    const ask = (reason: string) => {
      const nowMs = performance.now();
      if (askedAtMs !== undefined && nowMs - askedAtMs > SAME_REQUEST_MS) process.exit(130);
      askedAtMs ??= nowMs;
      resolve(reason);
    };
    process.on("SIGTERM", ask);
    process.on("SIGINT", ask);

    if (process.env["npm_lifecycle_event"] === undefined) return;
    const { ppid } = process;
    const timer = setInterval(() => {
      if (process.ppid === ppid) return;
      clearInterval(timer);
      resolve("its parent ended");
    }, LOOK_FOR_PARENT_MS);
    timer.unref();
  });
