import { parseAnswer, unexpectedAnswer } from "./answer.ts";
import { PulseGateError } from "./error.ts";
import type { Answer, CallOptions, Transport } from "./transport.ts";
import type { BatchItem } from "./views.ts";

/** The API's bounds of one batch. */
const MAX_JOBS = 100;
const MAX_BYTES = 3 * 1_024 * 1_024;
const ENVELOPE = ['{"jobs":[', "]}"] as const;

/**
 * Jobs as JSON texts, in parts that are a batch each, in order. The same jobs give the same parts,
 * so that the keys of a repeated call meet their own jobs.
 */
export const splitIntoBatches = (texts: readonly string[]): readonly (readonly string[])[] => {
  const encoder = new TextEncoder();
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const text of texts) {
    const more = encoder.encode(text).length + 1; // its comma
    if (bytes + more > MAX_BYTES || parts.at(-1)?.length === MAX_JOBS) {
      parts.push([]);
      bytes = ENVELOPE.join("").length - 1; // the last has none
    }
    parts.at(-1)?.push(text);
    bytes += more;
  }
  return parts;
};

/** Part n of a split call has a key of its own; the first one, and an unsplit one, the call's. */
export const keyOfPart = (idempotencyKey: string, n: number): string =>
  n === 0 ? idempotencyKey : `${idempotencyKey}#${n}`;

/**
 * Posts one batch. Items that are refused for the moment (429, 503) have the whole sent again under
 * its key, in which those that were accepted are the same jobs; each item's first acceptance stands.
 */
export const postBatch = async (
  send: Transport,
  texts: readonly string[],
  idempotencyKey: string,
  options: CallOptions,
): Promise<readonly BatchItem[]> => {
  let items: readonly BatchItem[] = [];
  const isUnfinished = (answer: Answer): boolean => {
    const answered = itemsOf(answer, texts.length);
    items = answered.map((item, index) => {
      const earlier = items[index];
      return earlier && !("error" in earlier) ? earlier : item;
    });
    return items.some(({ status }) => status === 429 || status >= 500);
  };
  const body = `${ENVELOPE[0]}${texts.join(",")}${ENVELOPE[1]}`;
  try {
    await send(
      { method: "POST", path: "/v1/jobs/batch", body, idempotencyKey, isUnfinished },
      options,
    );
  } catch (error) {
    // What is known of the items says more than the repeat that failed.
    const isKnown = error instanceof PulseGateError && items.length > 0;
    if (!isKnown) throw error;
  }
  return items;
};

const itemsOf = (answer: Answer, count: number): readonly BatchItem[] => {
  const { items } = parseAnswer(answer) as { readonly items?: readonly BatchItem[] };
  if (items?.length === count) return items;
  throw unexpectedAnswer(answer, `has not the ${count} items that were sent`);
};
