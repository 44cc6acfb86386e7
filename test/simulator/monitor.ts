import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { faultOfChange } from "./transitions.ts";

type Item = Readonly<Record<string, AttributeValue>>;

/** A claim as the table took it: the right to one request. */
export interface Claim {
  readonly atMs: number;
  /** Of its sequence, and of all. */
  readonly attempt: number;
  readonly n: number;
  readonly generation: number;
}

/** What the table's own writes say of one job's life. */
export interface Life {
  readonly claims: Claim[];
  createdAtMs: number;
  /** By the clock of who created it. */
  readonly saysCreatedAtMs: number;
  readonly tenant: string;
  readonly dedupeKey: string | undefined;
  cancelledAtMs: number | undefined;
  manualRetries: number;
  /** When each manual retry by a key was made, by the key's digest. */
  readonly retriedAtMs: Map<string, number>;
  /** Whether it was ever in the sparse index. */
  entersAttention: boolean;
}

/** Watches every write of the table as it is made. */
export class Monitor {
  readonly lives = new Map<string, Life>();
  readonly violations: { readonly jobId: string; readonly what: string }[] = [];
  readonly #now: () => number;
  readonly #skewMs: number;

  constructor(now: () => number, skewMs: number) {
    this.#now = now;
    this.#skewMs = skewMs;
  }

  onWrite = (
    { pk, sk }: { pk: string; sk: string },
    before: Item | undefined,
    after: Item | undefined,
  ): void => {
    if (sk !== "JOB") return;
    const jobId = pk.slice("JOB#".length);
    const fault = faultOfChange(before, after, { nowMs: this.#now(), skewMs: this.#skewMs });
    if (fault !== undefined) this.violations.push({ jobId, what: fault });
    if (after?.["st"] !== undefined) this.#follow(jobId, before, after);
  };

  #follow(jobId: string, before: Item | undefined, after: Item): void {
    const state = after["st"]?.S;
    if (before?.["st"] === undefined) {
      this.lives.set(jobId, {
        claims: [],
        createdAtMs: this.#now(),
        saysCreatedAtMs: Number(after["cre"]?.N),
        tenant: after["tenant"]?.S ?? "",
        dedupeKey: after["ddk"]?.S,
        cancelledAtMs: undefined,
        manualRetries: 0,
        retriedAtMs: new Map(),
        entersAttention: false,
      });
    }
    const life = this.lives.get(jobId);
    const was = before?.["st"]?.S;
    if (life && after["npk"] !== undefined) life.entersAttention = true;
    if (!life || was === state) return;
    if (state === "processing") {
      const attempt = Number(after["att"]?.N);
      const n = attempt + Number(after["prev"]?.N ?? 0);
      life.claims.push({ atMs: this.#now(), attempt, n, generation: Number(after["gen"]?.N) });
    }
    if (state === "cancelled") life.cancelledAtMs = this.#now();
    if (state === "waiting" && (was === "failed" || was === "dlq")) {
      life.manualRetries += 1;
      const digest = after["rks"]?.L?.at(-1)?.S;
      if (digest !== undefined && !life.retriedAtMs.has(digest)) {
        life.retriedAtMs.set(digest, this.#now());
      }
    }
  }
}
