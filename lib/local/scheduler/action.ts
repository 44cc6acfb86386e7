import type { ScheduleStore } from "./store.ts";

export interface ActionContext {
  readonly store: ScheduleStore;
  readonly clock: { now(): number };
  /** Has the next firing found anew. */
  readonly wake: () => void;
}

export interface ActionRequest {
  /** Out of the path; empty where the path names none. */
  readonly name: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

/** One action of the API: returns what is answered with 200, or throws a SchedulerError. */
export type Action = (context: ActionContext, request: ActionRequest) => object;

const ACCOUNT = "us-east-1:000000000000";

export const scheduleArn = (group: string, name: string): string =>
  `arn:aws:scheduler:${ACCOUNT}:schedule/${group}/${name}`;

export const groupArn = (name: string): string =>
  `arn:aws:scheduler:${ACCOUNT}:schedule-group/${name}`;

/** Dates on this wire are seconds. */
export const seconds = (ms: number): number => ms / 1_000;
