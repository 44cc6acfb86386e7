import { hashOfParts } from "./ids.ts";

/** How fast jobs may start that share a bucket, as one of them asks for it. */
export interface Pace {
  /** The bucket's name: see `destinationKeyOf` and `bucketOf`. */
  readonly bucket: string;
  /** Tokens a second. */
  readonly rps: number;
  /** How many tokens an idle bucket holds. */
  readonly burst: number;
}

/** Nothing is put off for longer. */
export const HORIZON_MS = 366 * 24 * 3_600_000;

/**
 * Names a tenant's destination: what its rate and its holds are kept under.
 *
 * @param address what tells one destination from another, in a spelling that all its jobs share
 */
export const destinationKeyOf = (tenantId: string, address: string): string =>
  `${tenantId}#${digestOf("destination", address)}`;

/** Names a bucket that a tenant's jobs share by a name of their own, whatever their destination. */
export const bucketOf = (tenantId: string, name: string): string =>
  `${tenantId}#${digestOf("bucket", name)}`;

const digestOf = (space: string, name: string): string =>
  hashOfParts(space, name).subarray(0, 12).toString("base64url");

/** How long a token takes to come back, in milliseconds. */
export const tokenMs = ({ rps }: Pick<Pace, "rps">): number => 1_000 / rps;

/** How far ahead of its bucket's clock a job may start: the tokens that an idle bucket holds. */
const toleranceMs = (pace: Pace): number => (pace.burst - 1) * tokenMs(pace);

/**
 * When each of several jobs may start that take a token each, one after the other, from one bucket;
 * whole milliseconds. A bucket is one clock, its theoretical arrival time, that each token moves on
 * by the time which it takes to come back: the generic cell rate algorithm, the token bucket's twin.
 * Each job judges that one clock by its own rate and burst.
 *
 * @see https://www.itu.int/rec/T-REC-I.371 Annex A
 * @param tatMs the clock before the first token, not before `earliestMs`
 */
export const slotsFrom = (
  tatMs: number,
  paces: readonly Pace[],
  earliestMs: number,
): readonly number[] => {
  let clockMs = tatMs;
  return paces.map((pace) => {
    const slotMs = Math.max(earliestMs, Math.ceil(clockMs - toleranceMs(pace)));
    clockMs += tokenMs(pace);
    return slotMs;
  });
};

/** Where the clock stood after a slot's token was taken, if the bucket was not idle; to 1 ms. */
export const tatAfter = (slotMs: number, pace: Pace): number =>
  slotMs + toleranceMs(pace) + tokenMs(pace);

/** By how much one token for each moves the bucket's clock on, in milliseconds. */
export const costMs = (paces: readonly Pace[]): number =>
  paces.reduce((sum, pace) => sum + tokenMs(pace), 0);

/** The latest clock at which the slots of all of these are still within the horizon. */
export const latestTatMs = (paces: readonly Pace[], nowMs: number): number => {
  let beforeMs = 0;
  const marginsMs = paces.map((pace) => {
    const marginMs = toleranceMs(pace) - beforeMs;
    beforeMs += tokenMs(pace);
    return marginMs;
  });
  return nowMs + HORIZON_MS + Math.min(...marginsMs);
};

export const isSamePace = (one: Pace | null | undefined, other: Pace | null | undefined) =>
  one?.bucket === other?.bucket && one?.rps === other?.rps && one?.burst === other?.burst;
