import { LRUCache } from "lru-cache";
import type { Holds } from "../../core/attempt-ports.ts";
import type { Clock } from "../../core/ports.ts";
import { holdKey } from "./keys.ts";
import { getItem, updateItemIf } from "./table.ts";
import type { TableAddress } from "./table.ts";

/** How long an answer is believed in, so that a destination's flood costs a read a second. */
const BELIEVED_MS = 1_000;
const MAX_KNOWN = 1_000;
const DAY_SECONDS = 24 * 3_600;

/** Until when destinations want to be left alone: one item each, which is forgotten a day after. */
export const makeHolds = (table: TableAddress, clock: Pick<Clock, "now">): Holds => {
  const known = new LRUCache<string, { readonly atMs: number; readonly untilMs: Promise<number> }>({
    max: MAX_KNOWN,
  });
  const remember = (destinationKey: string, untilMs: Promise<number>) => {
    known.set(destinationKey, { atMs: clock.now(), untilMs });
    // What could not be read is asked for again.
    untilMs.catch(() => known.delete(destinationKey));
    return untilMs;
  };
  const isFresh = ({ atMs }: { readonly atMs: number }) =>
    Math.abs(clock.now() - atMs) < BELIEVED_MS;

  return {
    async heldUntilMs(destinationKey) {
      const believed = known.get(destinationKey);
      if (believed && isFresh(believed)) return believed.untilMs;
      return remember(destinationKey, read(destinationKey));
    },

    async hold(destinationKey, untilMs) {
      const written = await updateItemIf(table, {
        key: holdKey(destinationKey),
        set: { until: untilMs, expires_at: Math.ceil(untilMs / 1_000) + DAY_SECONDS },
        condition: "attribute_not_exists(#until) OR #until < :until",
        values: { ":until": untilMs },
      });
      const standsMs = Number(written.item?.["until"]?.N ?? 0);
      await remember(destinationKey, Promise.resolve(Math.max(untilMs, standsMs)));
    },
  };

  async function read(destinationKey: string): Promise<number> {
    const item = await getItem(table, holdKey(destinationKey), { isConsistent: false });
    return Number(item?.["until"]?.N ?? 0);
  }
};
