/**
 * Preloaded into a runtime whose clock is to be off: `CLOCK_SKEW_MS` says by how much. Timers and
 * `performance` go on as they are, as on a machine that is set wrong.
 */
const skewMs = Number(process.env["CLOCK_SKEW_MS"] ?? 0);
const now = Date.now.bind(Date);

globalThis.Date = class extends Date {
  constructor(...of: readonly unknown[]) {
    super(...((of.length === 0 ? [now() + skewMs] : of) as [number]));
  }

  static override now(): number {
    return now() + skewMs;
  }
} as DateConstructor;
