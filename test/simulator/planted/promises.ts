import type { PlantedFault } from "./planted-fault.ts";

const ACCEPT = "lambdas/core/usecases/accept-jobs.ts";
const DELIVER = "lambdas/core/usecases/deliver-job.ts";
const BURY = "lambdas/core/usecases/bury-job.ts";
const RETRY = "lambdas/core/usecases/retry-job.ts";
const CLAIMS = "lambdas/adapters/dynamodb/claims.ts";
const CHANGES = "lambdas/adapters/dynamodb/changes.ts";
const CREATE = "lambdas/adapters/dynamodb/create-job.ts";
const QUEUE = "lambdas/middleware/queue.ts";

/** What a caller is promised of its jobs, keys and manual retries. */
export const faultsOfPromises: readonly PlantedFault[] = [
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
