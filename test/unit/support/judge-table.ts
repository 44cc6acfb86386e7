import { expect } from "vitest";
import type { JobState, Standing } from "../../../lambdas/core/rules/job.ts";
import { JOB_ID, NOW_MS, aJob, leaseLeft } from "./a-job.ts";

/** Less, equal or greater: the message's number beside the job's. */
export type Relation = "<" | "=" | ">";

/** Everything that a decision may depend on. */
export interface Situation {
  readonly standing: "absent" | "tombstone" | "pointer" | JobState;
  readonly generation: Relation;
  readonly attempt: Relation;
  /** Time until the job is due; `null`: due at once. */
  readonly dueInMs: number | null;
  /** Time until the lease of a processing job ends. */
  readonly leaseLeftMs: number;
  readonly ageMs: number;
}

export interface Line {
  readonly line: string;
  readonly holds: (situation: Situation) => boolean;
  readonly decision: (situation: Situation) => object;
}

const isOver = ({ standing }: Situation) =>
  ["success", "failed", "dlq", "cancelled"].includes(standing);
const isDue = ({ dueInMs }: Situation) => dueInMs === null || dueInMs <= 0;
const isJob = ({ standing }: Situation) => !["absent", "tombstone", "pointer"].includes(standing);
const isGrave = ({ standing }: Situation) => standing === "tombstone" || standing === "pointer";
const isYoung = ({ ageMs }: Situation) => ageMs < 60_000;
const isNeededNoMore = ({ standing }: Situation) =>
  standing === "success" || standing === "cancelled";

/** Doubles the age, at least a second, and comes out at a minute. */
const backThen = ({ ageMs }: Situation) => ({
  do: "return",
  afterMs: Math.max(1_000, Math.min(ageMs, 60_000 - ageMs)),
});

/** The table of rules, line by line, in words of its own. */
export const judgeTable: readonly Line[] = [
  {
    line: "absent | any, younger than 2 s | look again at once: the put is in flight",
    holds: (s) => s.standing === "absent" && s.ageMs < 2_000,
    decision: () => ({ do: "look_again" }),
  },
  {
    line: "absent | any, younger than 60 s | return after 1, 2, 4 … s",
    holds: (s) => s.standing === "absent" && s.ageMs >= 2_000 && isYoung(s),
    decision: backThen,
  },
  {
    line: "absent | any, from 60 s on | tombstone",
    holds: (s) => s.standing === "absent" && !isYoung(s),
    decision: () => ({ do: "tombstone" }),
  },
  {
    line: "tombstone, pointer | any, younger than 7 s | return after 1, 2, 4 s: a put is in flight",
    holds: (s) => isGrave(s) && s.ageMs < 7_000,
    decision: ({ ageMs }) => ({ do: "return", afterMs: Math.max(1_000, ageMs) }),
  },
  {
    line: "tombstone, pointer | any, from 7 s on | raise it",
    holds: (s) => isGrave(s) && s.ageMs >= 7_000,
    decision: () => ({ do: "raise_tombstone" }),
  },
  {
    line: "any job | g < G | delete",
    holds: (s) => isJob(s) && s.generation === "<",
    decision: () => ({ do: "delete" }),
  },
  {
    line: "success, cancelled | g > G | delete",
    holds: (s) => isNeededNoMore(s) && s.generation === ">",
    decision: () => ({ do: "delete" }),
  },
  {
    line: "any other job | g > G, younger than 60 s | return after 1, 2, 4 … s",
    holds: (s) => isJob(s) && !isNeededNoMore(s) && s.generation === ">" && isYoung(s),
    decision: backThen,
  },
  {
    line: "any other job | g > G, from 60 s on | fence",
    holds: (s) => isJob(s) && !isNeededNoMore(s) && s.generation === ">" && !isYoung(s),
    decision: () => ({ do: "fence", generation: 4 }),
  },
  {
    line: "terminal | g = G | delete",
    holds: (s) => isOver(s) && s.generation === "=",
    decision: () => ({ do: "delete" }),
  },
  {
    line: "waiting | a ≠ A | delete",
    holds: (s) => s.standing === "waiting" && s.generation === "=" && s.attempt !== "=",
    decision: () => ({ do: "delete" }),
  },
  {
    line: "waiting, due | a = A | claim",
    holds: (s) => s.standing === "waiting" && s.generation === "=" && s.attempt === "=" && isDue(s),
    decision: () => ({ do: "claim", job: expect.objectContaining({ state: "waiting" }) }),
  },
  {
    line: "waiting, not due | a = A | send again for the time left",
    holds: (s) =>
      s.standing === "waiting" && s.generation === "=" && s.attempt === "=" && !isDue(s),
    decision: (s) => ({
      do: "resend",
      afterMs: s.dueInMs,
      job: expect.objectContaining({ state: "waiting" }),
    }),
  },
  {
    line: "processing | a < A | delete",
    holds: (s) => s.standing === "processing" && s.generation === "=" && s.attempt === "<",
    decision: () => ({ do: "delete" }),
  },
  {
    line: "processing, lease live | a = A | return, hidden until the lease ends",
    holds: (s) =>
      s.standing === "processing" && s.generation === "=" && s.attempt === "=" && s.leaseLeftMs > 0,
    decision: (s) => ({ do: "return", afterMs: s.leaseLeftMs }),
  },
  {
    line: "processing, lease live | a > A, just sent | return for a second: its result is being written",
    holds: (s) =>
      s.standing === "processing" &&
      s.generation === "=" &&
      s.attempt === ">" &&
      s.leaseLeftMs > 0 &&
      s.ageMs < 5_000,
    decision: (s) => ({ do: "return", afterMs: Math.min(1_000, s.leaseLeftMs) }),
  },
  {
    line: "processing, lease live | a > A, older | return, hidden until the lease ends",
    holds: (s) =>
      s.standing === "processing" &&
      s.generation === "=" &&
      s.attempt === ">" &&
      s.leaseLeftMs > 0 &&
      s.ageMs >= 5_000,
    decision: (s) => ({ do: "return", afterMs: s.leaseLeftMs }),
  },
  {
    line: "processing, lease over | a ≥ A | close",
    holds: (s) =>
      s.standing === "processing" &&
      s.generation === "=" &&
      s.attempt !== "<" &&
      s.leaseLeftMs <= 0,
    decision: () => ({ do: "close", job: expect.objectContaining({ state: "processing" }) }),
  },
];

const STEP = { "<": -1, "=": 0, ">": 1 } as const;

/** The situation in the words of the rules: generation 3, two attempts made. */
export const asArguments = (situation: Situation) => {
  const { standing, generation, attempt, ageMs } = situation;
  const isProcessing = standing === "processing";
  const message = {
    generation: 3 + STEP[generation],
    // A job under way is at its second attempt, any other at its third.
    attempt: (isProcessing ? 2 : 3) + STEP[attempt],
  };
  return [standingOf(situation), message, NOW_MS, ageMs] as const;
};

const standingOf = ({ standing, dueInMs, leaseLeftMs }: Situation): Standing => {
  switch (standing) {
    case "absent":
      return { kind: "absent" };
    case "tombstone":
      return { kind: "tombstone", madeAtMs: NOW_MS };
    case "pointer":
      return { kind: "pointer", jobId: JOB_ID, createdAtMs: 7, requestHash: "00" };
    default:
      return aJob({
        state: standing,
        generation: 3,
        attempts: 2,
        dueAtMs: dueInMs === null ? 0 : NOW_MS + dueInMs,
        lease: standing === "processing" ? leaseLeft(leaseLeftMs) : null,
      });
  }
};
