import type { Observer } from "../../lambdas/core/ports.ts";
import { holdKey } from "../../lambdas/adapters/dynamodb/keys.ts";
import { decodeMessage } from "../../lambdas/adapters/sqs/job-queue.ts";
import { forgottenAtMs, hashOf, isForgottenBy, jobOf, Lives, processOf } from "./lives.ts";
import type { Item, Life } from "./lives.ts";
import { latenessAllowedMs, quietFromMs, settledFromMs } from "./lateness.ts";
import type { Plan } from "./plan.ts";
import { faultOfChange } from "./transitions.ts";
import { GRAVE_SETBACK } from "./world/process.ts";
import type { SimulatedProcess } from "./world/process.ts";

export interface MonitorProps {
  readonly plan: Plan;
  readonly now: () => number;
  /** Whose write the table carries out at the moment. */
  readonly writer: () => SimulatedProcess | undefined;
}

/** Watches every write of the table as it is made. */
export class Monitor {
  readonly lives = new Lives();
  readonly violations: { readonly jobId: string; readonly what: string }[] = [];
  /** What our code says of jobs. */
  readonly observer: Observer;
  readonly #props: MonitorProps;
  readonly #quietFromMs: number;
  readonly #settledFromMs: number;
  readonly #deadLettered = new Set<string>();
  /** Until when each destination is held, by the key of its item. */
  readonly #heldUntilMs = new Map<string, number>();

  constructor(props: MonitorProps) {
    this.#props = props;
    this.#quietFromMs = quietFromMs(props.plan);
    this.#settledFromMs = settledFromMs(props.plan);
    this.observer = {
      attempted: nothing,
      cameTooLate: (job, { n }) => {
        const life = this.lives.latest(job.id);
        const claim = life?.claims.at(-1);
        // After another write of its kind, a later result or a cancel, nobody can know it any more.
        const isItsOwn = processOf(life?.item["wrt"]) === claim?.worker?.name;
        if (life && claim?.n === n && isItsOwn) life.cameTooLate.push(n);
      },
      closed: nothing,
      gaveUpMessage: nothing,
      poisoned: nothing,
      couldNotHold: nothing,
    };
  }

  onWrite = (
    { pk, sk }: { pk: string; sk: string },
    before: Item | undefined,
    after: Item | undefined,
  ): void => {
    if (sk === "HOLD") this.#heldUntilMs.set(pk, Number(after?.["until"]?.N ?? 0));
    if (sk !== "JOB") return;
    const jobId = pk.slice("JOB#".length);
    const { plan, now } = this.#props;
    const fault = faultOfChange(before, after, {
      nowMs: now(),
      skewMs: plan.skewMs,
      retentionMs: plan.retentionMs,
      isLeadingNowhere: () => this.#leadsNowhere(before),
    });
    if (fault !== undefined) this.#say(jobId, fault);
    if (before?.["ptr"] !== undefined || after?.["ptr"] !== undefined) {
      this.#followPointer(jobId, before, after);
    }
    if (after?.["st"] !== undefined) this.#follow(jobId, before, after);
  };

  onDeadLetter = (body: string): void => void this.#deadLettered.add(decodeMessage(body).jobId);

  /** A function was invoked with a message of the job. */
  onReceive(jobId: string): void {
    const life = this.lives.latest(jobId);
    const claim = life?.claims.at(-1);
    if (life?.item["st"]?.S !== "processing" || !claim) return;
    if (this.#props.now() < claim.leaseUntilMs) claim.receives += 1;
  }

  #leadsNowhere(pointer: Item | undefined): boolean {
    const { now, plan } = this.#props;
    const target = this.lives
      .of(pointer?.["ptr"]?.S ?? "")
      .find(({ saysCreatedAtMs }) => saysCreatedAtMs === Number(pointer?.["ptc"]?.N));
    return !target || isForgottenBy(target, now() + plan.skewMs);
  }

  #followPointer(jobId: string, before: Item | undefined, after: Item | undefined): void {
    const isTheSame = before?.["wrt"]?.S === after?.["wrt"]?.S;
    if (isTheSame) return;
    const nowMs = this.#props.now();
    this.lives.endPointer(jobId, nowMs);
    if (after?.["ptr"] === undefined) return;
    this.lives.addPointer(jobId, {
      atMs: nowMs,
      by: processOf(after["wrt"]),
      requestHash: hashOf(after),
      endsAtMs: forgottenAtMs({ item: after }),
    });
  }

  #follow(jobId: string, before: Item | undefined, after: Item): void {
    const nowMs = this.#props.now();
    const isNew = before?.["st"] === undefined || before["cre"]?.N !== after["cre"]?.N;
    if (isNew) this.lives.add(newLife(jobId, after, nowMs));
    const life = this.lives.latest(jobId);
    if (!life) return;
    life.item = after;
    if (after["npk"] !== undefined) life.entersAttention = true;
    const [was, state] = [isNew ? undefined : before["st"]?.S, after["st"]?.S];
    if (was === state || before === undefined || isNew) return;
    if (state === "processing") this.#claimed(life, after);
    if (was === "processing") this.#judgeEnd(life, before, after);
    if (state === "cancelled") life.cancelledAtMs = nowMs;
    if (state === "waiting") {
      life.waiting = { sinceMs: nowMs, dueAtMs: Number(after["due"]?.N) };
      if (was !== "processing") {
        const digest = after["rks"]?.L?.at(-1)?.S;
        const isNewKey = (after["rks"]?.L?.length ?? 0) > (before["rks"]?.L?.length ?? 0);
        const by = processOf(after["gnt"]);
        life.retries.push({ atMs: nowMs, by, digest: isNewKey ? digest : undefined });
      }
    }
  }

  #claimed(life: Life, after: Item): void {
    const nowMs = this.#props.now();
    const attempt = Number(after["att"]?.N);
    life.claims.push({
      atMs: nowMs,
      attempt,
      n: attempt + Number(after["prev"]?.N ?? 0),
      generation: Number(after["gen"]?.N),
      worker: this.#props.writer(),
      saysAtMs: Number(after["cla"]?.N),
      leaseUntilMs: Number(after["lse"]?.N),
      receives: 0,
    });
    const { sinceMs, dueAtMs } = life.waiting;
    const heldUntilMs = this.#heldUntilMs.get(holdKey(jobOf(life).destinationKey).pk) ?? 0;
    const wantedAtMs = Math.max(sinceMs, dueAtMs);
    this.#judgeLateness(life, "it was claimed", wantedAtMs, sinceMs, heldUntilMs);
  }

  /** Of a claim: its worker wrote a result, or somebody closed it. */
  #judgeEnd(life: Life, before: Item, after: Item): void {
    const isClosed = (after["closed"]?.L?.length ?? 0) > (before["closed"]?.L?.length ?? 0);
    if (!isClosed) return;
    const claim = life.claims.at(-1);
    if (!claim) return;
    const setbacks = claim.worker?.setbacksSince(claim.saysAtMs - this.#props.plan.skewMs);
    if (setbacks !== undefined && setbacks < GRAVE_SETBACK) {
      this.#say(life.jobId, "an attempt was closed whose worker was well");
    }
    this.#judgeLateness(life, "it was closed", claim.leaseUntilMs, claim.atMs);
  }

  /** @param heldUntilMs nothing is claimed while its destination is held; a close waits for nobody */
  #judgeLateness(
    life: Life,
    what: string,
    dueAtMs: number,
    sinceMs: number,
    heldUntilMs = 0,
  ): void {
    const allowedMs = latenessAllowedMs({
      settledFromMs: this.#settledFromMs,
      sinceMs,
      isDeadLettered: this.#deadLettered.has(life.jobId),
    });
    const lateMs = this.#props.now() - Math.max(dueAtMs, heldUntilMs, this.#quietFromMs);
    if (lateMs <= allowedMs) return;
    this.#say(life.jobId, `${what} ${Math.round(lateMs / 1_000)} s after it could have been`);
  }

  #say(jobId: string, what: string): void {
    this.violations.push({ jobId, what });
  }
}

const newLife = (jobId: string, item: Item, nowMs: number): Life => ({
  jobId,
  claims: [],
  createdAtMs: nowMs,
  saysCreatedAtMs: Number(item["cre"]?.N),
  createdBy: processOf(item["crt"]),
  tenant: item["tenant"]?.S ?? "",
  dedupeKey: item["ddk"]?.S,
  requestHash: hashOf(item),
  cancelledAtMs: undefined,
  retries: [],
  entersAttention: false,
  waiting: { sinceMs: nowMs, dueAtMs: Number(item["due"]?.N) },
  cameTooLate: [],
  item,
});

const nothing = () => undefined;
