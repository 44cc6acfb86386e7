/**
 * What the functions work on: queues, schedules, and the table. Plain data that imports nothing;
 * whoever reads it does so by way of `lib/topology.ts`.
 */

/** AWS's longest retention, in seconds: what waits longest must not be forgotten. */
const RETENTION_SECONDS = 14 * 24 * 3600;

/**
 * How long the delivery function may run, in seconds: the longest attempt (30 s), and time to
 * claim before it and to record after it.
 */
export const DELIVER_TIMEOUT_SECONDS = 45;

/**
 * How long a claim holds a job: at least as long as the function that claimed it can live.
 *
 * @alias two things that knip would take for one
 */
export const LEASE_SECONDS = DELIVER_TIMEOUT_SECONDS;

/**
 * How long a received message stays hidden: at least lease + function timeout, so that the message
 * of a dead worker comes back when its lease is over, and early enough that the job of a dead
 * worker runs again within two minutes.
 */
const VISIBILITY_SECONDS = LEASE_SECONDS + DELIVER_TIMEOUT_SECONDS;

export interface QueueTopology {
  /** The variables that carry the queue's URL, and its ARN for a schedule, to a function. */
  readonly urlVariable: string;
  readonly arnVariable: string;
  readonly visibilitySeconds: number;
  readonly retentionSeconds: number;
  /** Where a message goes that was received `maxReceives` times and never deleted. */
  readonly redrive?: { readonly to: QueueName; readonly maxReceives: number };
}

export type QueueName = "high" | "normal" | "low" | "deadLetters" | "parked";
export const priorities = ["high", "normal", "low"] as const;

const deliveryQueue = (name: string): QueueTopology => ({
  urlVariable: `QUEUE_URL_${name}`,
  arnVariable: `QUEUE_ARN_${name}`,
  visibilitySeconds: VISIBILITY_SECONDS,
  retentionSeconds: RETENTION_SECONDS,
  // Throttled invocations raise the count too, so it is generous; true poison is rare.
  redrive: { to: "deadLetters", maxReceives: 10 },
});

export const queues: Readonly<Record<QueueName, QueueTopology>> = {
  high: deliveryQueue("HIGH"),
  normal: deliveryQueue("NORMAL"),
  low: deliveryQueue("LOW"),
  /** Messages that the delivery function could not settle; the bury function reads it. */
  deadLetters: {
    urlVariable: "QUEUE_URL_DEAD_LETTERS",
    arnVariable: "QUEUE_ARN_DEAD_LETTERS",
    visibilitySeconds: VISIBILITY_SECONDS,
    retentionSeconds: RETENTION_SECONDS,
    // SQS's most, about a day: an outage of ours must not park what could still be carried out.
    redrive: { to: "parked", maxReceives: 1_000 },
  },
  /** The end of the line: messages that nothing could read. Nobody consumes it; an alarm watches. */
  parked: {
    urlVariable: "QUEUE_URL_PARKED",
    arnVariable: "QUEUE_ARN_PARKED",
    visibilitySeconds: VISIBILITY_SECONDS,
    retentionSeconds: RETENTION_SECONDS,
  },
};

/**
 * Messages for later than a queue can delay: one-time schedules, in a group of their own. They
 * assume a role that may send to the queues they name, and to nothing else.
 */
export const schedules = {
  groupVariable: "SCHEDULE_GROUP",
  roleVariable: "SCHEDULE_ROLE_ARN",
  sendTo: priorities,
  /** Where a message goes that could not be sent for a day. */
  deadLetters: "deadLetters",
} as const satisfies {
  readonly groupVariable: string;
  readonly roleVariable: string;
  readonly sendTo: readonly QueueName[];
  readonly deadLetters: QueueName;
};

interface IndexTopology {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
}

export const table = {
  nameVariable: "TABLE_NAME",
  partitionKey: "pk",
  sortKey: "sk",
  ttlAttribute: "expires_at",
  /** Keys only, both: a change of status writes nothing to them. */
  indexes: [
    { name: "by_tenant", partitionKey: "tpk", sortKey: "tsk" },
    // The sort key is by_tenant's own, so that it is stored once; without npk a job is not in it.
    { name: "needs_attention", partitionKey: "npk", sortKey: "tsk" },
  ] as const satisfies readonly IndexTopology[],
} as const;

export type IndexName = (typeof table.indexes)[number]["name"];
