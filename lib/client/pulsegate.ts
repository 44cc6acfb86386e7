import { parseAnswer } from "./answer.ts";
import { invalidArgument, jobPath, jsonOf } from "./arguments.ts";
import type { JobInput } from "./arguments.ts";
import { keyOfPart, postBatch, splitIntoBatches } from "./batch.ts";
import { PulseGateError } from "./error.ts";
import type { JobFilter } from "./job-request.ts";
import { Paged } from "./paged.ts";
import { newSigningSecret } from "./signing-secrets.ts";
import type {
  DeletedSigningSecret,
  PutSigningSecret,
  SigningSecret,
  SigningSecretRequest,
} from "./signing-secrets.ts";
import { makeTransport } from "./transport.ts";
import type { CallOptions, Transport } from "./transport.ts";
import type {
  AcceptedJob,
  AttemptView,
  BatchItem,
  CancelledJob,
  JobView,
  JobViewWithPayload,
  Page,
  Readiness,
  RetriedJob,
} from "./views.ts";

export interface PulseGateOptions {
  /** Where the API is, such as `http://127.0.0.1:8080`; a path before `/v1` may belong to it. */
  readonly baseUrl: string;
  /** Sends the requests: for signing them (SigV4), or for a proxy. @default the global one */
  readonly fetch?: typeof fetch | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often a call is repeated that found no answer, 429 or 5xx. @default 4 */
  readonly retries?: number | undefined;
  /** The delay before the first repeat, which then doubles; half of it is chance. @default 250 */
  readonly baseDelayMs?: number | undefined;
  /** @default 10,000 */
  readonly maxDelayMs?: number | undefined;
  /** A `Retry-After` beyond it is not waited for: the call fails at once. @default 60,000 */
  readonly maxRetryAfterMs?: number | undefined;
  /** For each try; the API itself gives up after 30 s. @default 35,000 */
  readonly timeoutMs?: number | undefined;
}

/** For the calls that change something. */
export interface KeyedCallOptions extends CallOptions {
  /** @default a new one for each call */
  readonly idempotencyKey?: string | undefined;
}

export interface BatchOptions extends KeyedCallOptions {
  /** Sends what is too much for one batch in several, one after the other. @default false */
  readonly split?: boolean | undefined;
}

export interface ListOptions extends CallOptions {
  /** How many a page has at most, 1 to 100. @default 50 */
  readonly limit?: number | undefined;
  /** Where to begin: the `next_cursor` of a page. */
  readonly cursor?: string | undefined;
}

/**
 * PulseGate's jobs API. Every method rejects with a {@link PulseGateError}; one whose signal was
 * aborted with the signal's reason, like `fetch`.
 */
export class PulseGate {
  readonly #send: Transport;

  constructor(options: PulseGateOptions) {
    this.#send = makeTransport({
      baseUrl: checkedBaseUrl(options.baseUrl),
      // Looked up at each call, so that whoever replaces the global one later is heard.
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      headers: options.headers ?? {},
      retries: options.retries ?? 4,
      baseDelayMs: options.baseDelayMs ?? 250,
      maxDelayMs: options.maxDelayMs ?? 10_000,
      maxRetryAfterMs: options.maxRetryAfterMs ?? 60_000,
      timeoutMs: options.timeoutMs ?? 35_000,
    });
  }

  /** Has a job accepted: once, however often its answer is lost on the way. */
  createJob(job: JobInput | Uint8Array, options: KeyedCallOptions = {}): Promise<AcceptedJob> {
    return withKey(options, async (idempotencyKey) => {
      const body = job instanceof Uint8Array ? job : jsonOf(job);
      const call = { method: "POST", path: "/v1/jobs", body, idempotencyKey } as const;
      const answer = await this.#send(call, options);
      const {
        id,
        status,
        deduplicated = false,
      } = parseAnswer(answer) as Pick<JobView, "id" | "status"> & { readonly deduplicated?: true };
      return { id, status, deduplicated, replayed: isReplay(answer.headers) };
    });
  }

  /**
   * Has up to 100 jobs accepted at once (more with `split`), each on its own: an item says what
   * became of its job, in the order given. If the call itself fails, some may have been accepted:
   * the same call with the error's `idempotencyKey` finds out.
   */
  createJobs(jobs: readonly JobInput[], options: BatchOptions = {}): Promise<readonly BatchItem[]> {
    return withKey(options, async (idempotencyKey) => {
      if (!Array.isArray(jobs)) throw invalidArgument("The jobs must be an array.");
      const texts = jobs.map(jsonOf);
      const parts = options.split === true ? splitIntoBatches(texts) : [texts];
      const items: BatchItem[] = [];
      for (const [n, part] of parts.entries()) {
        items.push(...(await postBatch(this.#send, part, keyOfPart(idempotencyKey, n), options)));
      }
      return items;
    });
  }

  async getJob(id: string, options?: CallOptions): Promise<JobView> {
    return parseAnswer(await this.#send({ method: "GET", path: jobPath(id) }, options)) as JobView;
  }

  /** Its payload and the headers it is delivered with are shown, too. */
  async getJobWithPayload(id: string, options?: CallOptions): Promise<JobViewWithPayload> {
    return JSON.parse(await this.getJobText(id, options)) as JobViewWithPayload;
  }

  /**
   * The same as JSON text, as the API wrote it: a number of twenty digits in the payload, which
   * JavaScript would round, is still whole.
   */
  async getJobText(id: string, options?: CallOptions): Promise<string> {
    const path = `${jobPath(id)}?include=payload`;
    const answer = await this.#send({ method: "GET", path }, options);
    parseAnswer(answer);
    return answer.text;
  }

  /** A tenant's jobs, newest first. */
  listJobs(filter: JobFilter, options: ListOptions = {}): Paged<JobView> {
    const { tenant_id, status, type } = filter;
    return this.#list(() => "/v1/jobs", { tenant_id, status, type }, options);
  }

  /** Every attempt of a job, in order. */
  attempts(id: string, options: ListOptions = {}): Paged<AttemptView> {
    return this.#list(() => `${jobPath(id)}/attempts`, {}, options);
  }

  /** Rejects with `invalid_state` once it is too late. */
  async cancelJob(id: string, options?: CallOptions): Promise<CancelledJob> {
    const call = { method: "POST", path: `${jobPath(id)}/cancel` } as const;
    return parseAnswer(await this.#send(call, options)) as CancelledJob;
  }

  /** Begins a new sequence of attempts; rejects with `invalid_state` unless the job failed. */
  retryJob(id: string, options: KeyedCallOptions = {}): Promise<RetriedJob> {
    return withKey(options, async (idempotencyKey) => {
      const call = { method: "POST", path: `${jobPath(id)}/retry`, idempotencyKey } as const;
      const answer = await this.#send(call, options);
      const { id: ofJob, status } = parseAnswer(answer) as Omit<RetriedJob, "replayed">;
      return { id: ofJob, status, replayed: isReplay(answer.headers) };
    });
  }

  /**
   * Adds a secret to those that a tenant's webhooks are signed with, ten at most: a new one, or one
   * of your own. Only this shows it.
   */
  async putSigningSecret(
    { tenant_id, secret = newSigningSecret() }: SigningSecretRequest,
    options?: CallOptions,
  ): Promise<PutSigningSecret> {
    const body = JSON.stringify({ tenant_id, secret });
    const call = { method: "PUT", path: "/v1/signing-secrets", body } as const;
    return parseAnswer(await this.#send(call, options)) as PutSigningSecret;
  }

  /** A tenant's signing secrets, newest first: how each ends, never a secret. */
  async listSigningSecrets(
    { tenant_id }: { readonly tenant_id: string },
    options?: CallOptions,
  ): Promise<readonly SigningSecret[]> {
    const path = `/v1/signing-secrets${searchOf({ tenant_id })}`;
    const call = { method: "GET", path } as const;
    const { items } = parseAnswer(await this.#send(call, options)) as {
      readonly items: readonly SigningSecret[];
    };
    return items;
  }

  /** Withdraws a secret: no attempt that begins afterwards is signed with it. */
  async deleteSigningSecret(
    { tenant_id, id }: { readonly tenant_id: string; readonly id: string },
    options?: CallOptions,
  ): Promise<DeletedSigningSecret> {
    const path = `/v1/signing-secrets${searchOf({ tenant_id, id })}`;
    const ifGone = JSON.stringify({ id, deleted: true } satisfies DeletedSigningSecret);
    const call = { method: "DELETE", path, ifGone } as const;
    return parseAnswer(await this.#send(call, options)) as DeletedSigningSecret;
  }

  /** Whether the API answers at all. Asked once: who asks for health wants to know it now. */
  async health(options?: CallOptions): Promise<{ readonly status: "ok" }> {
    const call = { method: "GET", path: "/healthz" } as const;
    return parseAnswer(await this.#send(call, { retries: 0, ...options })) as { status: "ok" };
  }

  /** Whether everything that the API stands on answers, too. */
  async ready(options?: CallOptions): Promise<Readiness> {
    try {
      await this.#send({ method: "GET", path: "/readyz" }, { retries: 0, ...options });
      return { ready: true, detail: null };
    } catch (error) {
      if (!(error instanceof PulseGateError) || error.status !== 503) throw error;
      return { ready: false, detail: error.message };
    }
  }

  /** The path is asked for when the list is walked, which is what rejects if there is none. */
  #list<T>(
    pathOf: () => string,
    filter: Readonly<Record<string, string | undefined>>,
    { limit, cursor: from, ...options }: ListOptions,
  ): Paged<T> {
    return new Paged<T>(async (cursor) => {
      const path = pathOf() + searchOf({ ...filter, limit, cursor });
      const call = { method: "GET", path } as const;
      return parseAnswer(await this.#send(call, options)) as Page<T>;
    }, from);
  }
}

const checkedBaseUrl = (baseUrl: string): string => {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
  if (!isHttp || url.search !== "" || url.hash !== "") {
    throw new TypeError(
      `baseUrl must be an http:// or https:// address without a query, not ${JSON.stringify(baseUrl)}`,
    );
  }
  return baseUrl.replace(/\/+$/, "");
};

/** A query with what is given; what is left out is for the API to miss. */
const searchOf = (parameters: Readonly<Record<string, string | number | undefined>>): string => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? "" : `?${query.toString()}`;
};

const isReplay = (headers: Headers): boolean => headers.get("idempotency-replayed") === "true";

/** One key for all tries of a call, and on the error, for whoever calls again. */
const withKey = async <T>(
  { idempotencyKey = crypto.randomUUID() }: KeyedCallOptions,
  call: (idempotencyKey: string) => Promise<T>,
): Promise<T> => {
  try {
    return await call(idempotencyKey);
  } catch (error) {
    if (error instanceof PulseGateError) error.idempotencyKey = idempotencyKey;
    throw error;
  }
};
