import DataLoader from "dataloader";
import { LRUCache } from "lru-cache";
import type { RateBuckets, Slot } from "../../core/attempt-ports.ts";
import type { Clock } from "../../core/ports.ts";
import { costMs, latestTatMs, slotsFrom, tatAfter } from "../../core/rules/rate-limit.ts";
import type { Pace } from "../../core/rules/rate-limit.ts";
import { bucketKey } from "./keys.ts";
import { getItem, updateItemIf } from "./table.ts";
import type { TableAddress, Update } from "./table.ts";

/** Buckets of which a process knows how full they were. */
const MAX_KNOWN = 1_000;
const MAX_TOGETHER = 100;
/** A guess, the other one, and the first again, if the bucket was forgotten in between. */
const TRIES = 3;
/** A slot is a whole millisecond, and numbers are added as decimals there and in binary here. */
const ROUNDING_MS = 0.04;
const DAY_MS = 24 * 3_600_000;

/**
 * Token buckets, one item and one number each: the bucket's clock (`tat`, see `slotsFrom`). An idle
 * bucket's clock is set, a busy one's is added to, which any number of workers can do at once
 * without ever repeating a write; which of both it is, is guessed from the last answer, and a guess
 * that was wrong costs a write unit. What is asked for while a write is under way goes into the next.
 *
 * A write that is repeated after a lost answer takes its tokens twice, which is slower than need be
 * and never too fast.
 */
export const makeRateBuckets = (table: TableAddress, clock: Pick<Clock, "now">): RateBuckets => {
  const known = new LRUCache<string, number>({ max: MAX_KNOWN });
  const lines = new LRUCache<string, DataLoader<Pace, Slot>>({ max: MAX_KNOWN });

  return {
    async take(pace, leadMs, lostMs) {
      const again = lostMs === undefined ? undefined : await takeAgain(pace, leadMs, lostMs);
      if (again !== undefined) return again;
      const name = JSON.stringify([pace.bucket, leadMs]);
      let line = lines.get(name);
      if (!line) {
        line = inTurns((paces) => takeTogether(pace.bucket, paces, leadMs));
        lines.set(name, line);
      }
      // A copy: whoever takes twice is two takers.
      return line.load({ ...pace });
    },

    async clockOf(bucket) {
      const item = await getItem(table, bucketKey(bucket), { isConsistent: false });
      const tatMs = Number(item?.["tat"]?.N ?? 0);
      known.set(bucket, tatMs);
      return tatMs;
    },
  };

  /** In place of the last token that was taken, which was missed; nothing, if it is not the last. */
  async function takeAgain(
    pace: Pace,
    leadMs: number,
    lostMs: number,
  ): Promise<number | undefined> {
    const { bucket } = pace;
    const lastMs = tatAfter(lostMs, pace);
    if ((known.get(bucket) ?? 0) > lastMs + ROUNDING_MS) return undefined;
    const earliestMs = clock.now() + leadMs;
    const fromMs = Math.max(earliestMs, lastMs - costMs([pace]));
    const written = await updateItemIf(table, {
      key: bucketKey(bucket),
      ...settingTo(fromMs + costMs([pace])),
      condition: "#tat BETWEEN :least AND :most",
      values: { ":least": lastMs - 1 - ROUNDING_MS, ":most": lastMs + ROUNDING_MS },
    });
    known.set(bucket, Number(written.item?.["tat"]?.N ?? 0));
    return written.kind === "written" ? earliestMs : undefined;
  }

  async function takeTogether(
    bucket: string,
    paces: readonly Pace[],
    leadMs: number,
  ): Promise<readonly Slot[]> {
    let tatMs = known.get(bucket) ?? 0;
    // One instant for all tries: a bucket's clock only goes on, so that it is passed once at most.
    const nowMs = clock.now();
    const earliestMs = nowMs + leadMs;
    const latestMs = latestTatMs(paces, nowMs);
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const isBusy = tatMs >= earliestMs;
      if (isBusy && tatMs > latestMs && tries > 1) return paces.map(() => "beyond");
      const written = await updateItemIf(table, {
        key: bucketKey(bucket),
        ...(isBusy ? addition(paces, earliestMs, latestMs) : setting(paces, earliestMs)),
      });
      tatMs = Number(written.item?.["tat"]?.N ?? 0);
      known.set(bucket, tatMs);
      if (written.kind === "written") {
        const fromMs = isBusy ? tatMs - costMs(paces) : earliestMs;
        return slotsFrom(fromMs, paces, earliestMs);
      }
    }
    throw new Error(`the bucket ${bucket} was idle and busy in turns`);
  }
};

const setting = (paces: readonly Pace[], earliestMs: number) =>
  ({
    ...settingTo(earliestMs + costMs(paces)),
    condition: "attribute_not_exists(#tat) OR #tat < :earliest",
    values: { ":earliest": earliestMs },
  }) satisfies Partial<Update>;

const settingTo = (tat: number) => ({ set: { tat, expires_at: expiryAfter(tat) } });

const addition = (paces: readonly Pace[], earliestMs: number, latestMs: number) =>
  ({
    set: { expires_at: expiryAfter(latestMs + costMs(paces)) },
    add: { tat: costMs(paces) },
    condition: "#tat BETWEEN :earliest AND :latest",
    values: { ":earliest": earliestMs, ":latest": latestMs },
  }) satisfies Partial<Update>;

/** A bucket that is forgotten before its clock has passed would be taken for an idle one. */
const expiryAfter = (tatMs: number): number => Math.ceil((tatMs + DAY_MS) / 1_000);

/** One call at a time; what comes meanwhile goes together into the next. */
const inTurns = <Key, Value>(
  load: (keys: readonly Key[]) => Promise<readonly Value[]>,
): DataLoader<Key, Value> => {
  let underWay: Promise<unknown> = Promise.resolve();
  return new DataLoader<Key, Value>(
    (keys) => {
      const loading = load(keys);
      underWay = loading.catch(() => undefined);
      return loading;
    },
    {
      cache: false,
      maxBatchSize: MAX_TOGETHER,
      batchScheduleFn: (dispatch) => void underWay.then(() => process.nextTick(dispatch)),
    },
  );
};
