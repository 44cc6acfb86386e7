import { keyedJobId } from "../../lambdas/core/rules/ids.ts";
import { destinationKeyOf } from "../../lambdas/core/rules/rate-limit.ts";
import type { JobRequest } from "../../lambdas/core/rules/job.ts";
import { NEW_SECRET_BYTES, SigningSecret } from "../../lambdas/core/rules/signature.ts";
import { functions } from "../../lib/topology.ts";
import type { Acceptance } from "../../lambdas/core/usecases/accept-jobs.ts";
import { functionsOf } from "./functions.ts";
import { bodyOf, requestHashOf } from "./history.ts";
import type { AcceptedPost, History } from "./history.ts";
import type { PlannedJob } from "./planned-job.ts";
import type { World } from "./world/world.ts";

const FUNCTION_LIMIT_MS = functions["create-jobs"].timeoutSeconds * 1_000;
const CLIENT_LIMIT_MS = 30_000;
/** A client that repeats goes on for some minutes: longer than a message without a job lives. */
const TRIES = 8;
const pauseMs = (tried: number, isPatient: boolean) =>
  isPatient ? 45_000 + tried * 20_000 : 500 * 2 ** tried;

const ONCE = { tries: 1, isPatient: false };

type Api = ReturnType<typeof functionsOf>;

/** The clients of the API: they do as planned, and repeat what was not answered. */
export class ApiClients {
  readonly #world: World;
  readonly #history: History;
  readonly #idOf = new Map<number, string>();

  constructor(world: World, history: History) {
    this.#world = world;
    this.#history = history;
  }

  start(): void {
    const { plan, time } = this.#world;
    const batches = Map.groupBy(plan.jobs, ({ batch }) => batch?.name);
    for (const [name, jobs] of batches) {
      if (name === undefined) continue;
      time.at(plan.startMs + (jobs[0]?.postAtMs ?? 0), () => {
        void this.#post(`client|${name}`, jobs, 0);
      });
    }
    for (const { tenantId, atMs } of plan.lists) {
      time.at(plan.startMs + atMs, () => void this.#list(tenantId));
    }
    for (const [nth, { tenantId, atMs }] of plan.secrets.entries()) {
      time.at(plan.startMs + atMs, () => void this.#putSecret(tenantId, nth));
    }
    for (const job of plan.jobs) {
      const postAtMs = plan.startMs + job.postAtMs;
      for (let post = 0; post < job.posts && !job.batch; post += 1) {
        const saysOther = job.hasConflict && post > 0 && post === job.posts - 1;
        const name = `client|job ${job.ordinal}|post ${post}`;
        time.at(postAtMs, () => void this.#post(name, [job], saysOther ? 1 : 0));
      }
      if (job.postedAgain) {
        const { afterMs, body } = job.postedAgain;
        const name = `client|job ${job.ordinal}|posted again`;
        time.at(postAtMs + afterMs, () => void this.#post(name, [job], body));
      }
      if (job.cancelAfterMs !== null) {
        time.at(postAtMs + job.cancelAfterMs, () => void this.#cancel(job));
      }
      for (const [nth, afterMs] of job.retryAfterMs.entries()) {
        time.at(postAtMs + afterMs, () => void this.#retry(job, nth));
      }
    }
  }

  /** Posts one job, or a batch. */
  async #post(name: string, jobs: readonly PlannedJob[], body: 0 | 1): Promise<void> {
    const { startMs } = this.#world.plan;
    const requests = jobs.map((job) => ({
      request: requestOf(job, body, startMs),
      requestHash: requestHashOf(job, body),
      idempotencyKey: job.idempotencyKey,
      ...(job.batch ? { batchItem: job.batch.item } : {}),
    }));
    const [first] = jobs;
    const tries = first?.idempotencyKey === undefined ? 1 : TRIES;
    const isPatient = first?.isPatient ?? false;
    const postedAtMs = this.#world.time.now();
    const isAnswered = await this.#untilHeard(name, { tries, isPatient }, async (api, by) => {
      const startedAtMs = this.#world.time.now();
      const answers = await api.acceptJobs(requests);
      const answeredAtMs = this.#world.time.now();
      const settled = jobs.map((job, index) =>
        this.#isSettled(name, { job, body, by, startedAtMs, answeredAtMs }, answers[index]),
      );
      return settled.every(Boolean);
    });
    if (!isAnswered && first) {
      this.#history.unanswered.push({ job: first, startedAtMs: postedAtMs });
    }
  }

  #isSettled(
    name: string,
    post: Omit<AcceptedPost, "id" | "isReplay" | "isDeduplicated">,
    answer: Acceptance | undefined,
  ): boolean {
    if (answer?.kind === "accepted") {
      const { id, isReplay, isDeduplicated } = answer;
      this.#history.accepted.push({ ...post, id, isReplay, isDeduplicated });
      this.#idOf.set(post.job.ordinal, id);
      this.#tell(name, `answered ${id}${isReplay ? ", a replay" : ""}`);
      return true;
    }
    this.#tell(name, `answered ${answer?.problem.code}`);
    if (answer?.problem.code !== "idempotency_conflict") return false;
    this.#history.conflicts.push(post);
    return true;
  }

  async #cancel(job: PlannedJob): Promise<void> {
    const id = this.#knownId(job);
    if (id === undefined) return;
    const name = `client|JOB#${id}|cancel`;
    await this.#untilHeard(name, { tries: 4, isPatient: false }, async (api) => {
      const startedAtMs = this.#world.time.now();
      const outcome = await api.cancelJob(id);
      if (outcome.kind === "unknown") this.#isUnknown(id, startedAtMs);
      if (outcome.kind === "cancelled") this.#history.cancelled.push({ id });
      this.#tell(name, `cancel: ${outcome.kind}`);
      return true;
    });
  }

  async #retry(job: PlannedJob, nth: number): Promise<void> {
    const id = this.#knownId(job);
    if (id === undefined) return;
    const name = `client|JOB#${id}|retry ${nth}`;
    // A key of its own: another job may have been answered with the same one.
    const key = nth % 2 === 0 ? `retry-${job.ordinal}-${nth}` : undefined;
    const { retriesAsked } = this.#history;
    retriesAsked.set(id, (retriesAsked.get(id) ?? 0) + 1);
    const tries = key === undefined ? 1 : 4;
    await this.#untilHeard(name, { tries, isPatient: false }, async (api, by) => {
      const asked = { id, key, by, startedAtMs: this.#world.time.now() };
      const outcome = await api.retryJob(id, key);
      if (outcome.kind === "queued") {
        this.#history.retried.push({ ...asked, isReplay: outcome.isReplay });
      }
      if (outcome.kind === "unknown") this.#isUnknown(id, asked.startedAtMs);
      if (outcome.kind === "not_over") this.#history.retriesRefused.push(asked);
      this.#tell(name, `retry: ${outcome.kind}`);
      return true;
    });
  }

  #isUnknown(id: string, startedAtMs: number): void {
    this.#history.unknown.push({ id, startedAtMs, answeredAtMs: this.#world.time.now() });
  }

  async #putSecret(tenantId: string, nth: number): Promise<void> {
    const name = `client|secret ${nth} of ${tenantId}`;
    const key = this.#world.chance.bytes(name, NEW_SECRET_BYTES);
    const startedAtMs = this.#world.time.now();
    const put = { tenantId, key, startedAtMs, answeredAtMs: Infinity };
    this.#history.secrets.push(put);
    await this.#untilHeard(name, { tries: 4, isPatient: false }, async (api) => {
      const { kind } = await api.putSigningSecret(tenantId, new SigningSecret(key));
      this.#tell(name, kind);
      put.answeredAtMs = Math.min(put.answeredAtMs, this.#world.time.now());
      return true;
    });
  }

  async #list(tenantId: string): Promise<void> {
    const startedAtMs = this.#world.time.now();
    await this.#untilHeard(`client|list of ${tenantId}`, ONCE, async ({ listJobs }) => {
      const ids: string[] = [];
      let before: string | undefined;
      do {
        const page = await listJobs({
          tenantId,
          status: undefined,
          type: undefined,
          limit: 7,
          before,
        });
        ids.push(...page.jobs.map(({ id }) => id));
        before = page.next;
      } while (before !== undefined);
      const endedAtMs = this.#world.time.now();
      this.#history.lists.push({ tenantId, startedAtMs, endedAtMs, ids });
      return true;
    });
  }

  /**
   * Asks, each time an instance of its own, until an answer is heard that settles it.
   *
   * @returns whether one was
   */
  async #untilHeard(
    name: string,
    { tries, isPatient }: { readonly tries: number; readonly isPatient: boolean },
    ask: (api: Api, by: string) => Promise<boolean>,
  ): Promise<boolean> {
    const { time, faults, plan } = this.#world;
    for (let tried = 1; tried <= tries; tried += 1) {
      const process = this.#world.newProcess(`${name}|${tried}`);
      const isSettled = await new Promise<boolean>((resolve) => {
        process.onDeath(() => resolve(false));
        if (plan.endsLongRuns) time.after(FUNCTION_LIMIT_MS, () => process.kill());
        time.after(CLIENT_LIMIT_MS, () => resolve(false));
        ask(functionsOf(this.#world, process, "api"), process.name).then(
          resolve,
          (error: Error) => {
            this.#tell(name, `failed: ${error.message}`);
            resolve(false);
          },
        );
      });
      if (isSettled && !faults.hits("client_hears_nothing", name)) return true;
      if (tried < tries)
        await new Promise<void>((resolve) => time.after(pauseMs(tried, isPatient), resolve));
    }
    return false;
  }

  #knownId(job: PlannedJob): string | undefined {
    const known = this.#idOf.get(job.ordinal);
    if (known !== undefined || job.idempotencyKey === undefined) return known;
    // A key's id follows from it: so a job is also cancelled that nobody has heard of yet.
    return keyedJobId(job.tenantId, job.idempotencyKey, job.batch?.item);
  }

  #tell(place: string, what: string): void {
    this.#world.trace.add(place, () => what);
  }
}

const requestOf = (job: PlannedJob, body: 0 | 1, startMs: number): JobRequest => ({
  tenantId: job.tenantId,
  type: "webhook.dispatch",
  priority: job.priority,
  destination: {
    url: `https://example.com/${job.ordinal}`,
    method: "POST",
    timeoutMs: job.timeoutMs,
  },
  destinationKey: destinationKeyOf(job.tenantId, `https://example.com/${job.ordinal}`),
  pace: null,
  executeAtMs: job.executeAfterMs === null ? null : startMs + job.postAtMs + job.executeAfterMs,
  dedupeKey: job.dedupeKey,
  maxAttempts: job.maxAttempts,
  retry: job.retry,
  metadata: [],
  content: { body: Buffer.from(bodyOf(job, body)), headers: [] },
});
