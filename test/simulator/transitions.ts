import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Item } from "./lives.ts";

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
  readonly expires_at?: number;
}

export interface Watch {
  readonly nowMs: number;
  /** Clocks are off by so much at most, each way. */
  readonly skewMs: number;
  /** How long a job is kept after its end. */
  readonly retentionMs: number;
  /** Whether the pointer that stands there leads to a job that is forgotten. */
  readonly isLeadingNowhere: () => boolean;
}

/** For so long a process may stand still between its look at the clock and its write. */
const STANDSTILL_MS = 5 * 60_000;
/** An expired job's place is taken only a while after it expired, so that every clock agrees. */
const TAKEN_AFTER_MS = 60_000;

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
  if (afterItem === undefined) {
    const gone = unmarshall(beforeItem ?? {}) as JobItem;
    return isExpired(gone, watch.nowMs) ? undefined : "it was deleted";
  }
  const after = unmarshall(afterItem) as JobItem;
  if (beforeItem === undefined) return after.st === undefined ? undefined : faultOfNew(after);
  const before = unmarshall(beforeItem) as JobItem;
  if (before.st === undefined) {
    if (after.st === undefined) return undefined;
    const isFree =
      before.ptr === undefined || isExpired(before, watch.nowMs) || watch.isLeadingNowhere();
    return isFree ? faultOfNew(after) : "a job took a pointer's place";
  }
  if (after.st === undefined) {
    const isFree = isExpired(before, watch.nowMs + watch.skewMs);
    return isFree ? undefined : "a job became a tombstone or a pointer";
  }
  if (before.cre !== after.cre) {
    const isFree = isExpired(before, watch.nowMs + watch.skewMs - TAKEN_AFTER_MS);
    return isFree ? faultOfNew(after) : "another job took its place";
  }
  return (
    (before.st === after.st ? undefined : faultOfExpiry(after, watch)) ??
    faultOfStep(before, after, watch)
  );
};

const isExpired = ({ expires_at: seconds }: JobItem, nowMs: number): boolean =>
  seconds !== undefined && seconds * 1_000 <= nowMs;

/** What is over is kept for a while, and what is not is not to be forgotten. */
const faultOfExpiry = (after: JobItem, watch: Watch): string | undefined => {
  const { expires_at: seconds, st = "" } = after;
  if (!ENDS.has(st)) return seconds === undefined ? undefined : `it is ${st}, and expires`;
  const leastMs = watch.nowMs - watch.skewMs - STANDSTILL_MS + watch.retentionMs;
  const isKept = seconds !== undefined && seconds * 1_000 >= leastMs;
  return isKept ? undefined : `it is ${st}, and not kept`;
};

const faultOfNew = (job: JobItem): string | undefined =>
  job.st === "waiting" && job.att === 0 && job.gen === 0 ? undefined : "it was not new";

const faultOfStep = (before: JobItem, after: JobItem, watch: Watch): string | undefined => {
  const step = `${before.st} → ${after.st}`;
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
