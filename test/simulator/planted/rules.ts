import type { PlantedFault } from "./planted-fault.ts";

const JUDGE = "lambdas/core/rules/judge.ts";
const ACCEPT = "lambdas/core/usecases/accept-jobs.ts";
const DELIVER = "lambdas/core/usecases/deliver-job.ts";
const SETTLE = "lambdas/core/usecases/settle-message.ts";
const CLAIMS = "lambdas/adapters/dynamodb/claims.ts";

/** The table of rules, and what goes with it: from a message to its attempt's result. */
export const faultsOfRules: readonly PlantedFault[] = [
  {
    name: "no-tombstone",
    breaks: "absent, for a minute: a tombstone, then delete",
    file: JUDGE,
    edits: [
      [
        `return returnUntilGivenUp(ageMs) ?? { do: "tombstone" };`,
        `return returnUntilGivenUp(ageMs) ?? { do: "delete" };`,
      ],
    ],
  },
  {
    name: "absent-is-deleted",
    breaks: "absent: return it",
    file: JUDGE,
    edits: [
      [`if (ageMs < PUT_IN_FLIGHT_MS) return { do: "look_again" };`, `return { do: "delete" };`],
    ],
  },
  {
    name: "tombstone-not-raised",
    breaks: "tombstone: raise it",
    file: JUDGE,
    edits: [[`return { do: "raise_tombstone" };`, `return { do: "delete" };`]],
  },
  {
    name: "old-generation-comes-back",
    breaks: "g < G: delete",
    file: JUDGE,
    edits: [
      [
        `if (message.generation < job.generation) return { do: "delete" };`,
        `if (message.generation < job.generation) return { do: "return", afterMs: 1_000 };`,
      ],
    ],
  },
  {
    name: "no-fence",
    breaks: "g > G, for a minute: a fence, then delete",
    file: JUDGE,
    edits: [[`?? { do: "fence", generation: message.generation }`, `?? { do: "delete" }`]],
  },
  {
    name: "later-generation-is-deleted",
    breaks: "g > G: return it",
    file: JUDGE,
    edits: [
      [
        `return returnUntilGivenUp(ageMs) ?? { do: "fence", generation: message.generation };`,
        `return { do: "delete" };`,
      ],
    ],
  },
  {
    name: "terminal-is-judged-on",
    breaks: "terminal, g = G: delete",
    file: JUDGE,
    edits: [[`if (isTerminal(job.state)) return { do: "delete" };`, ``]],
  },
  {
    name: "other-attempt-spins",
    breaks: "waiting, a ≠ A: delete",
    file: JUDGE,
    edits: [
      [
        `if (message.attempt !== attempt) return { do: "delete" };`,
        `if (message.attempt !== attempt) return { do: "return", afterMs: 0 };`,
      ],
    ],
  },
  {
    name: "any-attempt-claims",
    breaks: "claim: this attempt",
    file: CLAIMS,
    edits: [[`#gen = :gen AND #att = :made";`, `#gen = :gen AND (#att = :made OR #att > :made)";`]],
  },
  {
    name: "claim-without-due-time",
    breaks: "waiting, due: claim (and only then)",
    file: CLAIMS,
    edits: [
      [
        "condition: `${isWaitingForThisAttempt} AND ${isDue}`,",
        "condition: `${isWaitingForThisAttempt} AND (${isDue} OR #due > :now)`,",
      ],
    ],
  },
  {
    name: "early-is-deleted",
    breaks: "waiting, not due: send again for the time left",
    file: JUDGE,
    edits: [
      [
        `return leftMs > 0 ? { do: "resend", job, afterMs: leftMs } : { do: "claim", job };`,
        `return leftMs > 0 ? { do: "delete" } : { do: "claim", job };`,
      ],
    ],
  },
  {
    name: "earlier-attempt-spins",
    breaks: "processing, a < A: delete",
    file: JUDGE,
    edits: [
      [
        `if (message.attempt < attempt) return { do: "delete" };`,
        `if (message.attempt < attempt) return { do: "return", afterMs: 0 };`,
      ],
    ],
  },
  {
    name: "deleted-under-a-live-lease",
    breaks: "processing, lease live: return it",
    file: JUDGE,
    edits: [
      [
        `return { do: "return", afterMs: isResultInFlight ? Math.min(SOON_MS, leaseLeftMs) : leaseLeftMs };`,
        `return isResultInFlight ? { do: "return", afterMs: SOON_MS } : { do: "delete" };`,
      ],
    ],
  },
  {
    name: "closed-is-forgotten",
    breaks: "processing, lease over: close",
    file: JUDGE,
    edits: [
      [
        `if (leaseLeftMs <= 0) return { do: "close", job };`,
        `if (leaseLeftMs <= 0) return { do: "delete" };`,
      ],
    ],
  },
  {
    name: "takeover-instead-of-close",
    breaks: "an expired lease is closed, never claimed over",
    file: CLAIMS,
    edits: [
      [
        `const isWaitingForThisAttempt = "#st = :waiting AND #gen = :gen AND #att = :made";`,
        `const isWaitingForThisAttempt =\n      "#gen = :gen AND ((#st = :waiting AND #att = :made) OR (#lse <= :now AND #att > :made))";`,
      ],
    ],
  },
  {
    name: "close-under-a-live-lease",
    breaks: "close: lease over",
    file: CLAIMS,
    edits: [[`#att = :att AND #lse <= :now",`, `#att = :att AND (#lse <= :now OR #lse > :now)",`]],
    also: {
      file: JUDGE,
      edits: [[`if (leaseLeftMs <= 0)`, `if (leaseLeftMs <= 40_000)`]],
    },
  },
  {
    name: "result-without-the-token",
    breaks: "result: on condition of the claim's token",
    file: CLAIMS,
    edits: [
      [
        `      remove: [...LEASE_ATTRIBUTES, ...remove],\n      condition: "#clt = :token",\n      values: { ":token": token },`,
        `      remove: [...LEASE_ATTRIBUTES, ...remove],\n      condition: "#st = :token OR #st = :waiting",\n      values: { ":token": "processing", ":waiting": "waiting" },`,
      ],
    ],
  },
  {
    name: "put-before-message",
    breaks: "queue first, then table",
    file: ACCEPT,
    edits: [
      [
        `        : deps.queue.send(messageFor(job), job.dueAtMs));`,
        `        : Promise.resolve());`,
      ],
      [
        `        case "created":\n          return accepted(job);`,
        `        case "created":\n          await deps.queue.send(messageFor(job), job.dueAtMs);\n          return accepted(job);`,
      ],
    ],
  },
  {
    name: "result-before-next-message",
    breaks: "a failed attempt sends the next message, then writes",
    file: DELIVER,
    edits: [
      [
        `      result.kind === "retry"\n        ? queue.send(nextMessage(job), nextSendAtMs(result.dueAtMs, finishedAtMs))\n        : null,\n`,
        ``,
      ],
      [
        `    observer.attempted(job, record, result.kind);`,
        `    if (result.kind === "retry")\n      await queue.send(nextMessage(job), nextSendAtMs(result.dueAtMs, finishedAtMs));\n    observer.attempted(job, record, result.kind);`,
      ],
    ],
  },
  {
    name: "close-before-next-message",
    breaks: "close sends the next message, then writes",
    file: SETTLE,
    edits: [
      [
        `        result.kind === "retry"\n          ? queue.send(nextMessage(job), nextSendAtMs(result.dueAtMs, nowMs))\n          : null,\n`,
        ``,
      ],
      [
        `      if (closed.kind === "closed") observer.closed(job, attempt, result.kind);`,
        `      if (closed.kind === "closed" && result.kind === "retry")\n        await queue.send(nextMessage(job), nextSendAtMs(result.dueAtMs, nowMs));`,
      ],
    ],
  },
];
