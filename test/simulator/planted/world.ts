import type { PlantedFault } from "./planted-fault.ts";

const DELIVER = "lambdas/core/usecases/deliver-job.ts";
const TABLE = "lambdas/adapters/dynamodb/table.ts";
const JUDGE = "lambdas/core/rules/judge.ts";
const ACCEPT = "lambdas/core/usecases/accept-jobs.ts";
const SETTLE = "lambdas/core/usecases/settle-message.ts";
const CLAIMS = "lambdas/adapters/dynamodb/claims.ts";
const CHANGES = "lambdas/adapters/dynamodb/changes.ts";
const CREATE = "lambdas/adapters/dynamodb/create-job.ts";

/** What the world does to writes, times, keys and indexes, and how we answer it. */
export const faultsOfWorld: readonly PlantedFault[] = [
  {
    name: "own-write-not-known",
    breaks: "every conditional write proves itself",
    file: TABLE,
    edits: [
      [
        `token !== undefined && item?.[token.attribute]?.S === token.value;`,
        `token === null && item !== undefined;`,
      ],
    ],
  },
  {
    name: "conflicting-transaction-not-repeated",
    breaks: "a conflict with a transaction of others is no failed condition",
    file: TABLE,
    edits: [[`isRefused: code === "ConditionalCheckFailed",`, `isRefused: code !== "None",`]],
  },
  {
    name: "unread-jobs-left-out",
    breaks: "a list asks again for unprocessed keys",
    file: "lambdas/adapters/dynamodb/job-list.ts",
    edits: [[`keys = unprocessed?.[table.name]?.Keys ?? [];`, `keys = unprocessed ? [] : keys;`]],
  },
  {
    name: "tombstone-raised-at-once",
    breaks: "tombstone: a message whose put is in flight comes back first",
    file: JUDGE,
    edits: [
      [
        `if (ageMs < RAISE_AFTER_MS) return { do: "return", afterMs: Math.max(SOON_MS, ageMs) };`,
        ``,
      ],
    ],
  },
  {
    name: "hidden-an-hour-too-long",
    breaks: "a returned message comes back when its wait is over",
    file: "lambdas/adapters/sqs/hide-message.ts",
    edits: [[`Math.ceil(afterMs / 1_000)`, `Math.ceil(afterMs / 1_000) + 3_600`]],
  },
  {
    name: "close-waits-for-a-hold",
    breaks: "a dead worker's attempt is closed when its lease is over, whatever its job waits for",
    file: DELIVER,
    edits: [
      [`    if (receives === 1) return undefined;`, `    if (receives > 0) return undefined;`],
    ],
  },
  {
    name: "sent-again-an-hour-late",
    breaks: "waiting, not due: send again for the time left, and no longer",
    file: SETTLE,
    edits: [
      [
        `await queue.send(message, step.job.dueAtMs);`,
        `await queue.send(message, step.job.dueAtMs + 3_600_000);`,
      ],
    ],
  },
  {
    name: "next-message-an-hour-late",
    breaks: "the next message comes when its attempt is due",
    file: SETTLE,
    edits: [[`Math.max(nowMs + 1_000, dueAtMs);`, `Math.max(nowMs + 1_000, dueAtMs) + 3_600_000;`]],
  },
  {
    name: "polled-under-a-live-lease",
    breaks: "processing, lease live: return it, hidden until the lease ends",
    file: JUDGE,
    edits: [
      [
        `isResultInFlight ? Math.min(SOON_MS, leaseLeftMs) : leaseLeftMs };`,
        `isResultInFlight ? leaseLeftMs : Math.min(SOON_MS, leaseLeftMs) };`,
      ],
    ],
  },
  {
    name: "keys-know-no-tenant",
    breaks: "an idempotency key is its tenant's own",
    file: "lambdas/core/rules/ids.ts",
    edits: [
      [
        `hashOfParts(...space, tenantId, idempotencyKey)`,
        `hashOfParts(...space, tenantId.slice(0, 0), idempotencyKey)`,
      ],
    ],
  },
  {
    name: "replay-not-told",
    breaks: "the replay of an idempotency key is told as one",
    file: ACCEPT,
    edits: [[`accepted(standing, { isReplay: true })`, `accepted(standing, { isReplay: false })`]],
  },
  {
    name: "first-post-told-as-a-replay",
    breaks: "a first answer is not told as a replay",
    file: ACCEPT,
    edits: [
      [`          return accepted(job);`, `          return accepted(job, { isReplay: true });`],
    ],
  },
  {
    name: "success-stays-in-the-index",
    breaks: "a filter for a rare status never reads through the common ones",
    file: CLAIMS,
    edits: [
      [
        `remove: ["err", ...ATTENTION_ATTRIBUTES],`,
        `remove: ["err", ...LEASE_ATTRIBUTES].slice(0, 1),`,
      ],
    ],
  },
  {
    name: "failed-in-the-wrong-class",
    breaks: "a list by status shows the jobs of that status",
    file: CLAIMS,
    edits: [
      [
        `...attentionOf(job, result.kind, table.indexShards),`,
        `...attentionOf(job, "dlq", table.indexShards),`,
      ],
    ],
  },
  {
    name: "retry-after-not-heard",
    breaks: "no attempt before Retry-After is over",
    file: "lambdas/channels/webhook.ts",
    edits: [
      [
        `asksToWait.has(status) ? answer.header("retry-after") : undefined,`,
        `asksToWait.has(status) ? undefined : answer.header("retry-after"),`,
      ],
    ],
  },
  {
    name: "retry-after-date-not-heard",
    breaks: "Retry-After may be a date",
    file: "lambdas/core/rules/retry-after.ts",
    edits: [
      [`untilMs === undefined || untilMs <= nowMs ?`, `untilMs === undefined || untilMs > nowMs ?`],
    ],
  },
  {
    name: "abort-not-heard",
    breaks: "after abort-message a job is failed",
    file: "lambdas/channels/webhook.ts",
    edits: [
      [`answer.header("webhook-delivery") === "abort-message"`, `answer.kind !== "answered"`],
    ],
  },
  {
    name: "secrets-of-earlier",
    breaks: "the secrets of the attempt's moment count",
    file: "lambdas/adapters/dynamodb/signing-secrets.ts",
    edits: [
      [
        `if (!before) return begin(key);`,
        `if (!before) return begin(key);
    if (before) return before;`,
      ],
      [`if (underWay.get(key) === reading) underWay.delete(key);`, ``],
    ],
  },
  {
    name: "forgotten-at-its-end",
    breaks: "a job is kept for its retention after its end",
    file: CLAIMS,
    edits: [[`Math.ceil((nowMs + table.retentionMs) / 1_000)`, `Math.ceil(nowMs / 1_000)`]],
  },
  {
    name: "retried-job-expires",
    breaks: "what is not over is not forgotten",
    file: CHANGES,
    edits: [[`remove: ["expires_at"],`, `remove: [],`]],
  },
  {
    name: "expired-job-owns-its-key",
    breaks: "an idempotency key lives as long as its job",
    file: CREATE,
    edits: [
      [
        `const isLongExpired = "expires_at < :expired";`,
        `const isLongExpired = "(expires_at < :expired AND attribute_exists(ptr))";`,
      ],
    ],
  },
];
