import type { HttpAnswer, HttpRequest } from "../../../lambdas/channels/channel.ts";
import type { Plan } from "../plan.ts";
import type { DestinationAnswer } from "../planned-job.ts";
import type { Trace } from "../trace.ts";
import type { NamedChance } from "./chance.ts";
import { NoAnswer, Throttled } from "./process.ts";
import type { SimulatedProcess } from "./process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A request as it reached its destination. */
export interface ReceivedRequest {
  readonly jobId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly body: string;
  /** When it was sent; it may have been on its way for a while. */
  readonly sentAtMs: number;
  readonly answer: DestinationAnswer;
  /** What its answer asks for, if it is heard. */
  readonly retryAfter: RetryAfter | undefined;
  /** Its headers `webhook-timestamp` and `webhook-signature`; none is "". */
  readonly timestamp: string;
  readonly signature: string;
  readonly process: string;
}

/** For so many seconds, or until a date. */
export type RetryAfter = { readonly forMs: number } | { readonly untilMs: number };

export interface DestinationsProps {
  readonly time: VirtualTime;
  readonly chance: NamedChance;
  readonly trace: Trace;
  readonly plan: Plan;
  /** Whether every other destination is out of order now. */
  readonly isDown: () => boolean;
}

/** Whom the jobs go to: each job's destination does what its plan says, request by request. */
export class Destinations {
  readonly requests: ReceivedRequest[] = [];
  readonly #props: DestinationsProps;
  readonly #answersOf: ReadonlyMap<number, readonly DestinationAnswer[]>;
  readonly #countOf = new Map<number, number>();

  constructor(props: DestinationsProps) {
    this.#props = props;
    this.#answersOf = new Map(props.plan.jobs.map(({ ordinal, answers }) => [ordinal, answers]));
  }

  /** HTTP as one process speaks it. Like the real transport it never rejects. */
  transportOf =
    (process: SimulatedProcess) =>
    async (request: HttpRequest): Promise<HttpAnswer> => {
      const { time, chance } = this.#props;
      const jobId = headerOf(request, "webhook-id");
      const place = `deliver|JOB#${jobId}|http`;
      const sentAtMs = time.now();
      const deadlineMs = sentAtMs + request.timeoutMs;
      const arrive = () => this.#arrive(request, jobId, process, sentAtMs);
      try {
        const { answer, retryAfter } = await process.call(place, arrive, {
          limitMs: request.timeoutMs,
          isDown: false,
          isSentAtOnce: true,
        });
        const leftMs = deadlineMs - time.now();
        switch (answer) {
          case "ok":
            return answered(200);
          case "aborts":
            return answered(500, { "webhook-delivery": "abort-message" });
          case "busy_for":
            return answered(429, { "retry-after": headerFor(retryAfter) });
          case "busy_until":
            return answered(503, { "retry-after": headerFor(retryAfter) });
          case "error":
            return answered(500);
          case "gone":
            return answered(410);
          case "slow":
            await process.sleep(Math.max(0, leftMs * 0.9 * chance.pure(`slow|${place}`)));
            return answered(200);
          case "resets":
          case "ok_unheard":
            return broken("reset");
          case "refuses":
            return broken("connect");
          case "hangs":
            await process.sleep(Math.max(0, leftMs));
            return broken("timeout");
        }
      } catch (error) {
        if (error instanceof Throttled) return answered(429);
        if (error instanceof NoAnswer) return broken("timeout");
        throw error;
      }
    };

  #arrive(
    request: HttpRequest,
    jobId: string,
    process: SimulatedProcess,
    sentAtMs: number,
  ): Pick<ReceivedRequest, "answer" | "retryAfter"> {
    const { trace } = this.#props;
    const ordinal = Number(new URL(request.url).pathname.slice(1));
    const nth = this.#countOf.get(ordinal) ?? 0;
    this.#countOf.set(ordinal, nth + 1);
    const answers = this.#answersOf.get(ordinal) ?? [];
    const planned = answers[Math.min(nth, answers.length - 1)] ?? "ok";
    const answer = ordinal % 2 === 1 && this.#props.isDown() ? "hangs" : planned;
    const attempt = Number(headerOf(request, "x-pulsegate-attempt"));
    const retryAfter = this.#retryAfterOf(answer, `${ordinal}|${nth}`);
    // A refused connection is no request.
    if (answer !== "refuses") {
      this.requests.push({
        jobId,
        ordinal,
        attempt,
        body: Buffer.from(request.body ?? []).toString(),
        sentAtMs,
        answer,
        retryAfter,
        timestamp: headerOf(request, "webhook-timestamp"),
        signature: headerOf(request, "webhook-signature"),
        process: process.name,
      });
    }
    trace.add(`deliver|JOB#${jobId}|http`, () => `request of attempt ${attempt}: ${answer}`);
    return { answer, retryAfter };
  }

  /** Mostly minutes, now and then days. */
  #retryAfterOf(answer: DestinationAnswer, place: string): RetryAfter | undefined {
    const { chance, time } = this.#props;
    const isLong = chance.pure(`long retry after|${place}`) < 0.05;
    const mostSeconds = isLong ? 50 * 3_600 : 3_600;
    const seconds = 1 + Math.floor(chance.pure(`retry after|${place}`) ** 3 * mostSeconds);
    if (answer === "busy_for") return { forMs: seconds * 1_000 };
    if (answer !== "busy_until") return undefined;
    return { untilMs: (Math.floor(time.now() / 1_000) + seconds) * 1_000 };
  }
}

const headerOf = ({ headers }: HttpRequest, name: string): string =>
  headers.find(([known]) => known === name)?.[1] ?? "";

const headerFor = (asked: RetryAfter | undefined): string => {
  if (!asked) return "";
  return "forMs" in asked ? String(asked.forMs / 1_000) : new Date(asked.untilMs).toUTCString();
};

const answered = (status: number, headers: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  kind: "answered",
  status,
  header: (name) => headers[name],
  body: new Uint8Array(),
});

const broken = (code: "reset" | "connect" | "timeout"): HttpAnswer => ({
  kind: "broken",
  code,
  text: "simulated",
  status: null,
  body: new Uint8Array(),
});
