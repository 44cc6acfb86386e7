import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { toStanding } from "../../lambdas/adapters/dynamodb/items.ts";
import type { Job } from "../../lambdas/core/rules/job.ts";
import type { SimulatedProcess } from "./world/process.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

/** A claim as the table took it: the right to one request. */
export interface Claim {
  readonly atMs: number;
  /** Of its sequence, and of all. */
  readonly attempt: number;
  readonly n: number;
  readonly generation: number;
  readonly worker: SimulatedProcess | undefined;
  /** By the worker's clock. */
  readonly saysAtMs: number;
  readonly leaseUntilMs: number;
  /** How often a function received messages of the job while the lease lived. */
  receives: number;
}

/** A manual retry as the table took it. */
export interface ManualRetry {
  readonly atMs: number;
  /** The process that made it. */
  readonly by: string;
  /** Of its key, if it had one. */
  readonly digest: string | undefined;
}

/** What the table's own writes say of one job's life. Under one id there may be several in turn. */
export interface Life {
  readonly jobId: string;
  readonly claims: Claim[];
  readonly createdAtMs: number;
  /** By the clock of who created it. */
  readonly saysCreatedAtMs: number;
  /** The process that created it. */
  readonly createdBy: string;
  readonly tenant: string;
  readonly dedupeKey: string | undefined;
  readonly requestHash: string;
  cancelledAtMs: number | undefined;
  readonly retries: ManualRetry[];
  /** Whether it was ever in the sparse index. */
  entersAttention: boolean;
  /** Since when it waits for its next attempt, and for when. */
  waiting: { readonly sinceMs: number; readonly dueAtMs: number };
  /** Attempts whose workers were told that they came too late. */
  readonly cameTooLate: number[];
  /** As the table holds it, or held it last. */
  item: Item;
}

/** A pointer to another job, under the id of a request that this job answered. */
export interface PointerLife {
  readonly atMs: number;
  readonly by: string;
  readonly requestHash: string;
  /** When something else took its place. */
  endsAtMs: number;
}

/** Everything that ever stood under the id of a job. */
export class Lives {
  readonly #lives = new Map<string, Life[]>();
  readonly #pointers = new Map<string, PointerLife[]>();

  *all(): Iterable<Life> {
    for (const lives of this.#lives.values()) yield* lives;
  }

  get count(): number {
    return [...this.#lives.values()].reduce((sum, lives) => sum + lives.length, 0);
  }

  of(jobId: string): readonly Life[] {
    return this.#lives.get(jobId) ?? [];
  }

  latest(jobId: string): Life | undefined {
    return this.#lives.get(jobId)?.at(-1);
  }

  /** The one that had begun by then. */
  at(jobId: string, ms: number): Life | undefined {
    return this.of(jobId).findLast(({ createdAtMs }) => createdAtMs <= ms);
  }

  /** Those that may have been seen in that time, by clocks that are off by so much. */
  during(jobId: string, fromMs: number, toMs: number, skewMs: number): readonly Life[] {
    return this.of(jobId).filter(
      (life) => life.createdAtMs <= toMs && forgottenAtMs(life) + skewMs >= fromMs,
    );
  }

  pointersDuring(jobId: string, fromMs: number, toMs: number): readonly PointerLife[] {
    const pointers = this.#pointers.get(jobId) ?? [];
    return pointers.filter(({ atMs, endsAtMs }) => atMs <= toMs && endsAtMs >= fromMs);
  }

  add(life: Life): void {
    const lives = this.#lives.get(life.jobId);
    if (lives) lives.push(life);
    else this.#lives.set(life.jobId, [life]);
  }

  addPointer(jobId: string, pointer: PointerLife): void {
    this.#pointers.set(jobId, [...(this.#pointers.get(jobId) ?? []), pointer]);
  }

  endPointer(jobId: string, nowMs: number): void {
    const last = this.#pointers.get(jobId)?.at(-1);
    if (last) last.endsAtMs = Math.min(last.endsAtMs, nowMs);
  }
}

/** The job as it ended, whether it is forgotten by now or not. */
export const jobOf = ({ item, jobId }: Life): Job => {
  const job = toStanding(item, 0);
  if (job.kind !== "job") throw new Error(`there is no job ${jobId}`);
  return job;
};

export const forgottenAtMs = ({ item }: Pick<Life, "item">): number =>
  item["expires_at"] === undefined ? Infinity : Number(item["expires_at"].N) * 1_000;

export const isForgottenBy = (life: Life, ms: number): boolean => forgottenAtMs(life) <= ms;

/** A write's token begins with the name of its process. */
export const processOf = (token: AttributeValue | undefined): string =>
  token?.S?.slice(0, token.S.lastIndexOf("/")) ?? "";

export const hashOf = (item: Item): string =>
  item["hash"] === undefined
    ? ""
    : Buffer.from((unmarshall({ hash: item["hash"] }) as { hash: Uint8Array }).hash).toString(
        "hex",
      );
