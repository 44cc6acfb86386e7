import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

type Item = Readonly<Record<string, AttributeValue>>;

/** What stands under a job's key, as the table holds it. */
interface JobItem {
  readonly st?: string;
  readonly gen: number;
  readonly att: number;
  readonly prev?: number;
  readonly max?: number;
  readonly cre: number;
  readonly due: number;
  readonly lse?: number;
  readonly fenced?: number;
  readonly closed?: readonly number[];
  readonly made_at?: number;
  readonly ptr?: string;
}

/** Clocks are off by so much at most, each way. */
export interface Watch {
  readonly nowMs: number;
  readonly skewMs: number;
}

const ENDS = new Set(["success", "failed", "dlq", "cancelled"]);

/**
 * What is wrong with a change of what stands under a job's key, by the status diagram of the
 * contract; `undefined` if nothing is.
 */
export const faultOfChange = (
  beforeItem: Item | undefined,
  afterItem: Item | undefined,
  watch: Watch,
): string | undefined => {
  if (afterItem === undefined) return "it was deleted";
  const after = unmarshall(afterItem) as JobItem;
  if (beforeItem === undefined) return after.st === undefined ? undefined : faultOfNew(after);
  const before = unmarshall(beforeItem) as JobItem;
  if (before.st === undefined) {
    if (after.st === undefined) return undefined;
    // A pointer gives way only to a forgotten job's successor, and nothing is forgotten in a run.
    return before.ptr === undefined ? faultOfNew(after) : "a job took a pointer's place";
  }
  if (after.st === undefined) return "a job became a tombstone or a pointer";
  return faultOfStep(before, after, watch);
};

const faultOfNew = (job: JobItem): string | undefined =>
  job.st === "waiting" && job.att === 0 && job.gen === 0 ? undefined : "it was not new";

const faultOfStep = (before: JobItem, after: JobItem, watch: Watch): string | undefined => {
  const step = `${before.st} → ${after.st}`;
  if (before.cre !== after.cre) return "another job took its place";
  if (after.gen < before.gen) return "its generation fell";
  if (before.st === after.st) {
    const canBeRetried = before.st !== "success" && before.st !== "cancelled";
    const isFence = after.fenced !== before.fenced && after.att === before.att && canBeRetried;
    return isFence && after.gen === before.gen ? undefined : `${step}: nothing but a fence may`;
  }
  if (step === "failed → waiting" || step === "dlq → waiting") {
    if (after.gen <= before.gen) return `${step}: in no new generation`;
    if (after.gen <= (before.fenced ?? 0)) return `${step}: in a generation that was given up`;
    if (after.att !== 0) return `${step}: the new sequence has attempts already`;
    const isKept = (after.prev ?? 0) === (before.prev ?? 0) + before.att;
    return isKept ? undefined : `${step}: attempts were forgotten`;
  }
  if (ENDS.has(before.st ?? "")) return `${step}: it was over`;
  if (after.gen !== before.gen) return `${step}: in another generation`;
  switch (step) {
    case "waiting → processing":
      if (after.att !== before.att + 1) return `${step}: it is not the next attempt`;
      if (after.att > (after.max ?? 8)) return `${step}: more than max_attempts`;
      return watch.nowMs + watch.skewMs < before.due ? `${step}: before its time` : undefined;
    case "processing → waiting":
    case "processing → success":
    case "processing → failed":
    case "processing → dlq": {
      if (after.att !== before.att) return `${step}: attempts were lost`;
      if (after.st === "waiting" && after.att >= (after.max ?? 8)) return `${step}: used up`;
      const isClosed = (after.closed?.length ?? 0) > (before.closed?.length ?? 0);
      const isLive = watch.nowMs + watch.skewMs < (before.lse ?? 0);
      return isClosed && isLive ? `${step}: closed under a live lease` : undefined;
    }
    case "waiting → cancelled":
      return undefined;
    case "waiting → dlq":
      return watch.nowMs + watch.skewMs < before.due ? `${step}: before its time` : undefined;
    default:
      return `${step}: no such step`;
  }
};
