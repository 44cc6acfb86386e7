import type * as z from "zod";
import type { DueJob, Outcome } from "../core/attempt-ports.ts";
import type { AllowList } from "../core/rules/destination-policy.ts";
import type { Destination, JobContent } from "../core/rules/job.ts";

/** What a caller sends under `destination`, once it is checked. */
export interface DestinationRequest {
  readonly destination: Destination;
  readonly headers: JobContent["headers"];
}

export interface HttpRequest {
  readonly url: string;
  readonly method: Destination["method"];
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | null;
  /** Over everything, from the look-up of the name to the last byte. */
  readonly timeoutMs: number;
}

export type TransportErrorCode =
  "timeout" | "dns" | "connect" | "tls" | "reset" | "protocol" | "forbidden_destination";

export type HttpAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      header(name: string): string | undefined;
      /** Its beginning: 64 KiB at most, as it came over the wire. */
      readonly body: Uint8Array;
    }
  | {
      readonly kind: "broken";
      readonly code: TransportErrorCode;
      readonly text: string;
      /** If the answer broke off after its status. */
      readonly status: number | null;
      readonly body: Uint8Array;
    };

/** How a channel reaches the world. */
export interface Transports {
  readonly http: (request: HttpRequest) => Promise<HttpAnswer>;
}

/** What a kind of delivery must say of itself. */
export interface Channel {
  /** The job types that it serves. */
  readonly jobTypes: readonly string[];
  /** What a caller sends as `destination`. */
  destination(allow: AllowList): z.ZodType<DestinationRequest>;
  /**
   * What a destination is told from others by, for its rate and for what it asks of us: the same for
   * all spellings that lead to the same place.
   */
  addressOf(destination: Destination): string;
  /** Carries one attempt out; whatever happens is an outcome. */
  attempt(job: DueJob, via: Transports, startedAtMs: number): Promise<Outcome>;
}
