import { invalid } from "./errors.ts";

const AT = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/;

/**
 * The instant of `at(yyyy-mm-ddThh:mm:ss)`, in UTC. PulseGate's schedules are all of this kind; a
 * `rate` or `cron` is refused, lest one stands here and never fires.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export const instantOf = (expression: string, timezone: string): number => {
  const written = AT.exec(expression)?.[1];
  const instantMs = Date.parse(`${written}Z`);
  // A day that does not exist is moved to one that does: what comes out must be what went in.
  const isReal = !Number.isNaN(instantMs) && new Date(instantMs).toISOString().startsWith(written!);
  if (!isReal) {
    const isOther = /^(rate|cron)\(.*\)$/.test(expression);
    throw invalid(
      `Invalid Schedule Expression ${expression}.${isOther ? " This server fires at(...) only." : ""}`,
    );
  }
  if (timezone !== "UTC") {
    throw invalid(`Invalid Schedule Expression Timezone ${timezone}. This server knows UTC only.`);
  }
  return instantMs;
};
