import { eventually } from "./eventually.ts";

export interface JobView {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly last_error: string | null;
  readonly next_attempt_at: string | null;
  readonly [field: string]: unknown;
}

export interface AttemptView {
  readonly n: number;
  readonly started_at: string;
  readonly finished_at: string;
  readonly duration_ms: number;
  readonly status: string;
  readonly http_status: number | null;
  readonly error: string | null;
  readonly response_excerpt: string | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface ProblemView {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly errors: readonly {
    readonly pointer?: string;
    readonly header?: string;
    readonly parameter?: string;
    readonly detail: string;
  }[];
}

export interface BatchItem {
  readonly status: number;
  readonly id?: string;
  readonly job_status?: string;
  readonly deduplicated?: boolean;
  readonly replayed?: boolean;
  readonly error?: ProblemView;
}

/** The API as a test calls it: any base URL, embedded or deployed. */
export const apiAt = (baseUrl: string) => {
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${baseUrl}${path}`);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const post = (body: string | object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${baseUrl}/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const rawBatch = (body: string | object, key?: string): Promise<Response> =>
    fetch(`${baseUrl}/v1/jobs/batch`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const job = (id: string): Promise<JobView> => get<JobView>(`/v1/jobs/${id}`);

  return {
    baseUrl,
    get,
    post,
    rawBatch,
    job,

    /** Posts a batch whose envelope must be accepted, and returns its items. */
    postBatch: async (body: string | object, key?: string): Promise<readonly BatchItem[]> => {
      const response = await rawBatch(body, key);
      if (response.status !== 207) {
        throw new Error(`no batch: ${response.status} ${await response.text()}`);
      }
      return ((await response.json()) as { items: readonly BatchItem[] }).items;
    },
    attempts: async (id: string): Promise<readonly AttemptView[]> =>
      (await get<Page<AttemptView>>(`/v1/jobs/${id}/attempts`)).items,

    /** Posts a job that must be accepted, and returns its id. */
    accepted: async (body: string | object, headers?: Record<string, string>): Promise<string> => {
      const response = await post(body, headers);
      if (response.status !== 201) {
        throw new Error(`not accepted: ${response.status} ${await response.text()}`);
      }
      return ((await response.json()) as { id: string }).id;
    },

    until: (id: string, status: string, withinMs?: number): Promise<JobView> =>
      eventually(
        `job ${id} is ${status}`,
        async () => {
          const view = await job(id);
          return view.status === status ? view : undefined;
        },
        withinMs,
      ),
  };
};

/** The smallest job, with what a test adds. */
export const jobTo = (url: string, more: object = {}, destination: object = {}) => ({
  tenant_id: "t1",
  type: "webhook.dispatch",
  payload: {},
  destination: { url, ...destination },
  ...more,
});
