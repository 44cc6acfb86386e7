/** A mistake that somebody could make in our code, as a change of its text. */
export interface PlantedFault {
  readonly name: string;
  /** What of docs/DESIGN.md it breaks. */
  readonly breaks: string;
  readonly file: string;
  readonly edits: readonly (readonly [find: string, put: string])[];
  /** What has to go with it in another file. */
  readonly also?: Pick<PlantedFault, "file" | "edits">;
}

const JUDGE = "lambdas/core/rules/judge.ts";
const ACCEPT = "lambdas/core/usecases/accept-jobs.ts";
const DELIVER = "lambdas/core/usecases/deliver-job.ts";
const SETTLE = "lambdas/core/usecases/settle-message.ts";
const BURY = "lambdas/core/usecases/bury-job.ts";
const RETRY = "lambdas/core/usecases/retry-job.ts";
const CLAIMS = "lambdas/adapters/dynamodb/claims.ts";
const CHANGES = "lambdas/adapters/dynamodb/changes.ts";
const CREATE = "lambdas/adapters/dynamodb/create-job.ts";
const QUEUE = "lambdas/middleware/queue.ts";

/**
 * One for each line of the table of rules, and for each rule around it. The simulator has to find
 * every one of them: `npm run simulate -- --planted <name>`.
 */
export const plantedFaults: readonly PlantedFault[] = [
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
  {
    name: "retry-before-message",
    breaks: "a manual retry sends its message, then writes",
    file: RETRY,
    edits: [
      [`    await queue.send(messageFor(found, { generation, attempt: 1 }), 0);\n`, ``],
      [
        `    if (outcome.kind === "retried") return { kind: "queued", isReplay: false };`,
        `    if (outcome.kind === "retried") {\n      await queue.send(messageFor(found, { generation, attempt: 1 }), 0);\n      return { kind: "queued", isReplay: false };\n    }`,
      ],
    ],
  },
  {
    name: "retry-of-a-fenced-generation",
    breaks: "a manual retry takes a generation above the fence",
    file: CHANGES,
    edits: [
      [
        "condition: `${isOver} AND ${isStillThisGeneration} AND ${isNotFenced}`,",
        "condition: `${isOver} AND ${isStillThisGeneration} AND (${isNotFenced} OR #fenced >= :next)`,",
      ],
    ],
  },
  {
    name: "retry-key-not-remembered",
    breaks: "a manual retry can be asked for again by its key",
    file: RETRY,
    edits: [[`if (isReplayOn(found)) return { kind: "queued", isReplay: true };`, ``]],
  },
  {
    name: "connects-after-the-lease",
    breaks: "right before connecting the worker looks at its lease",
    file: DELIVER,
    edits: [
      [
        `if (leaseLeftMs < job.destination.timeoutMs + RECORDING_MARGIN_MS) {`,
        `if (leaseLeftMs === undefined) {`,
      ],
    ],
  },
  {
    name: "no-attempt-on-record",
    breaks: "a failed attempt is put on record with or before the job's status",
    file: DELIVER,
    edits: [
      [`result.kind === "success" ? null : store.putFailedAttempt(job, record, "result"),`, ``],
    ],
  },
  {
    name: "returned-is-deleted",
    breaks: "the record loop deletes on the verdict to delete alone",
    file: QUEUE,
    edits: [[`log.debug("returned to the queue", { after_ms: verdict.afterMs });`, `return true;`]],
  },
  {
    name: "failure-is-deleted",
    breaks: "after an unknown outcome the message is returned",
    file: QUEUE,
    edits: [
      [
        `log.error("the message could not be settled and stays in its queue", cause);`,
        `log.error("the message could not be settled", cause);\n      return true;`,
      ],
    ],
  },
  {
    name: "dedupe-not-asked",
    breaks: "the hold on a dedupe key is put where none stands",
    file: CREATE,
    edits: [
      [
        `OR (jid = :forgotten AND #until = :seen)"`,
        `OR (jid = :forgotten AND #until = :seen) OR #until > :now"`,
      ],
    ],
  },
  {
    name: "conflict-not-seen",
    breaks: "the same key with another body is a conflict",
    file: ACCEPT,
    edits: [[`const isSame = standing.requestHash === job.requestHash;`, `const isSame = true;`]],
  },
  {
    name: "payload-of-the-loser",
    breaks: "a payload's key holds the request hash",
    file: "lambdas/adapters/dynamodb/keys.ts",
    edits: [["sk: `PAYLOAD#${requestHash}`,", "sk: `PAYLOAD#${requestHash.slice(0, 0)}`,"]],
  },
  {
    name: "create-over-a-young-tombstone",
    breaks: "a create replaces a tombstone only if it is older than its call",
    file: CREATE,
    edits: [
      [
        `const messageIsYounger = "(attribute_not_exists(ptr) AND made_at < :started)";`,
        `const messageIsYounger = "(attribute_not_exists(ptr) AND (made_at < :started OR made_at >= :started))";`,
      ],
    ],
  },
  {
    name: "attempts-without-end",
    breaks: "never more than max_attempts",
    file: "lambdas/core/rules/attempt.ts",
    edits: [[`job.attempts >= job.maxAttempts`, `job.attempts > job.maxAttempts`]],
  },
  {
    name: "cancel-of-anything",
    breaks: "cancel: only what waits",
    file: CHANGES,
    edits: [
      [
        `condition: "#st = :waiting",\n      values: { ":waiting": "waiting" },\n      token,`,
        `condition: "attribute_exists(#st) OR #st = :waiting",\n      values: { ":waiting": "waiting" },\n      token,`,
      ],
    ],
  },
  {
    name: "buried-at-once",
    breaks: "only a message that comes back for a day is poison",
    file: BURY,
    edits: [
      [
        `const delayMs = REDRIVE_DELAYS_MS[redrives - 1];`,
        `const delayMs = REDRIVE_DELAYS_MS[redrives + 8];`,
      ],
    ],
  },
  {
    name: "dead-letter-is-deleted",
    breaks: "the dead-letter function sends a healthy job's message again",
    file: BURY,
    edits: [
      [
        `if (delayMs !== undefined) return sendBack({ ...message, redrives }, delayMs);`,
        `if (delayMs !== undefined) return deleted;`,
      ],
    ],
  },
  {
    name: "index-written-at-each-step",
    breaks: "a status change writes nothing to an index",
    file: CLAIMS,
    edits: [[`        clt: token,\n`, "        clt: token,\n        npk: `claimed#${token}`,\n"]],
  },
  {
    name: "retry-answered-and-not-written",
    breaks: "a manual retry is answered when it is written",
    file: RETRY,
    edits: [
      [
        `const outcome = await store.retry(found, { generation, retryKey }, clock.now());`,
        `const outcome = { kind: "retried" } as Awaited<ReturnType<typeof store.retry>>;`,
      ],
    ],
  },
  {
    name: "cancel-keeps-the-dedupe-key",
    breaks: "a cancel lets the dedupe key go",
    file: CHANGES,
    edits: [
      [
        `job.dedupeKey === null ? undefined : await lettingGo`,
        `job.dedupeKey !== undefined ? undefined : await lettingGo`,
      ],
    ],
  },
  {
    name: "retry-without-delay",
    breaks: "a retry waits for its delay",
    file: "lambdas/core/rules/attempt.ts",
    edits: [
      [
        `Math.max(retryDelayMs(job.retry, job.attempts, random), leaveAloneMs)`,
        `0 * Math.max(retryDelayMs(job.retry, job.attempts, random), leaveAloneMs)`,
      ],
    ],
  },
  {
    name: "batch-items-share-a-key",
    breaks: "item i of a batch owns a key derived from the batch's and i",
    file: ACCEPT,
    edits: [
      [
        `keyedJobId(request.tenantId, idempotencyKey, batchItem)`,
        `keyedJobId(request.tenantId, idempotencyKey, batchItem && undefined)`,
      ],
    ],
  },
  {
    name: "dedupe-keys-refused",
    breaks: "a job that can be stored is accepted",
    file: ACCEPT,
    edits: [
      [
        `if (request.dedupeKey === null) return toBe;`,
        `if (request.dedupeKey === null) return toBe;\n      if (toBe) return refusedBy(unavailable(1));`,
      ],
    ],
  },
];
