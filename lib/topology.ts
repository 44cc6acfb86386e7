/**
 * What PulseGate consists of, said once: queues, schedules and table (`topology/resources.ts`), and
 * here the functions, their routes, variables and grants. `lib/aws` deploys it to the cloud,
 * `lib/local` to a laptop; neither adds to it. Plain data that imports nothing else, so that it drags
 * neither world into the other.
 */
import {
  DELIVER_TIMEOUT_SECONDS,
  priorities,
  queues,
  schedules,
  table,
} from "./topology/resources.ts";
import type { IndexName, QueueName } from "./topology/resources.ts";

export { LEASE_SECONDS, priorities, queues, schedules, table } from "./topology/resources.ts";
export type { IndexName, QueueName, QueueTopology } from "./topology/resources.ts";

/** The part of the table that a grant opens: every partition key begins with one of these. */
export type KeyPrefix =
  "JOB#" | "DEDUPE#" | "BUCKET#" | "HOLD#" | "SIGNING#" | "SECRET#" | "READY#";

export type TableAction =
  "GetItem" | "BatchGetItem" | "PutItem" | "UpdateItem" | "DeleteItem" | "Query";

/** Actions, each of which names a key, on all keys that begin with one of these. */
export interface KeyGrant {
  readonly actions: readonly TableAction[];
  readonly keyPrefixes: readonly KeyPrefix[];
}

export interface Grants {
  readonly table?: {
    readonly keys: readonly KeyGrant[];
    /** May query these indexes, whose keys begin with a tenant. */
    readonly indexes?: readonly IndexName[];
  };
  readonly sendTo?: readonly QueueName[];
  readonly consume?: readonly QueueName[];
  /** May read the attributes of these queues (are they there, how many messages). */
  readonly inspect?: readonly QueueName[];
  /** May create and delete schedules, which send to the queues in its place. */
  readonly schedule?: boolean;
  /** May look whether the group of schedules is there. */
  readonly inspectSchedules?: boolean;
}

export type SettingName =
  | "LOG_LEVEL"
  | "RETENTION_DAYS"
  | "INDEX_SHARDS"
  | "DESTINATION_ALLOW"
  | "LEASE_SECONDS"
  | "DEDUPE_WINDOW_SECONDS"
  | "QUEUE_CAPACITY";

export interface FunctionTopology {
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** `METHOD /path`, as API Gateway spells a route key. */
  readonly routes?: readonly RouteKey[];
  /** Queues that invoke it, in batches, with partial failures reported. */
  readonly triggers?: readonly { readonly queue: QueueName; readonly batchSize: number }[];
  /** Settings it reads; names of table and queues come with the grants. */
  readonly settings: readonly SettingName[];
  readonly grants: Grants;
  /**
   * It sends to queues that lead back to itself. Lambda would stop such a loop after about 16
   * rounds; ours is bounded by max_attempts.
   */
  readonly feedsItself?: boolean;
}

export type RouteKey = `${"GET" | "HEAD" | "POST" | "PUT" | "DELETE"} /${string}` | "$default";

/** Open to everybody: they show nothing of a tenant's. All other routes ask who is calling. */
export const openRoutes: readonly RouteKey[] = [
  "GET /healthz",
  "HEAD /healthz",
  "GET /readyz",
  "HEAD /readyz",
  "GET /openapi.json",
  "$default",
];

/** Below the gateway's 30 s, so that a slow request ends with our own 503. */
const API_TIMEOUT_SECONDS = 29;

export const functions = {
  "create-jobs": {
    timeoutSeconds: API_TIMEOUT_SECONDS,
    memoryMb: 512,
    routes: ["POST /v1/jobs", "POST /v1/jobs/batch"],
    settings: [
      "LOG_LEVEL",
      "RETENTION_DAYS",
      "INDEX_SHARDS",
      "DESTINATION_ALLOW",
      "DEDUPE_WINDOW_SECONDS",
      "QUEUE_CAPACITY",
    ],
    grants: {
      // UpdateItem: a content that stands already, of a first try or of a twin, is kept for longer.
      table: {
        keys: [
          { actions: ["GetItem", "PutItem", "UpdateItem"], keyPrefixes: ["JOB#", "DEDUPE#"] },
          { actions: ["GetItem", "UpdateItem"], keyPrefixes: ["BUCKET#"] },
        ],
      },
      sendTo: priorities,
      schedule: true,
      inspect: priorities,
    },
  },
  "read-jobs": {
    timeoutSeconds: API_TIMEOUT_SECONDS,
    memoryMb: 512,
    routes: ["GET /v1/jobs", "GET /v1/jobs/{id}", "GET /v1/jobs/{id}/attempts"],
    settings: ["LOG_LEVEL", "INDEX_SHARDS", "RETENTION_DAYS"],
    grants: {
      table: {
        // The secret that seals cursors is made by whoever needs it first.
        keys: [
          {
            actions: ["GetItem", "BatchGetItem", "Query", "PutItem"],
            keyPrefixes: ["JOB#", "SECRET#"],
          },
        ],
        indexes: ["by_tenant", "needs_attention"],
      },
    },
  },
  "change-jobs": {
    timeoutSeconds: API_TIMEOUT_SECONDS,
    memoryMb: 512,
    routes: ["POST /v1/jobs/{id}/cancel", "POST /v1/jobs/{id}/retry"],
    settings: ["LOG_LEVEL", "INDEX_SHARDS", "RETENTION_DAYS"],
    grants: {
      table: {
        keys: [
          {
            actions: ["GetItem", "Query", "UpdateItem", "DeleteItem"],
            keyPrefixes: ["JOB#", "DEDUPE#"],
          },
        ],
      },
      sendTo: priorities,
      schedule: true,
    },
  },
  manage: {
    timeoutSeconds: API_TIMEOUT_SECONDS,
    memoryMb: 512,
    routes: ["PUT /v1/signing-secrets", "GET /v1/signing-secrets", "DELETE /v1/signing-secrets"],
    settings: ["LOG_LEVEL"],
    grants: { table: { keys: [{ actions: ["GetItem", "PutItem"], keyPrefixes: ["SIGNING#"] }] } },
  },
  system: {
    timeoutSeconds: API_TIMEOUT_SECONDS,
    memoryMb: 256,
    routes: openRoutes,
    settings: ["LOG_LEVEL"],
    grants: {
      table: { keys: [{ actions: ["GetItem"], keyPrefixes: ["READY#"] }] },
      inspect: [...priorities, "deadLetters"],
      inspectSchedules: true,
    },
  },
  deliver: {
    timeoutSeconds: DELIVER_TIMEOUT_SECONDS,
    memoryMb: 512,
    triggers: [
      { queue: "high", batchSize: 10 },
      { queue: "normal", batchSize: 10 },
      { queue: "low", batchSize: 10 },
    ],
    settings: ["LOG_LEVEL", "RETENTION_DAYS", "INDEX_SHARDS", "DESTINATION_ALLOW", "LEASE_SECONDS"],
    grants: {
      table: {
        keys: [
          { actions: ["GetItem", "PutItem", "UpdateItem"], keyPrefixes: ["JOB#"] },
          { actions: ["UpdateItem"], keyPrefixes: ["BUCKET#"] },
          { actions: ["GetItem", "UpdateItem"], keyPrefixes: ["HOLD#"] },
          { actions: ["GetItem"], keyPrefixes: ["SIGNING#"] },
        ],
      },
      sendTo: priorities,
      schedule: true,
      consume: priorities,
    },
    feedsItself: true,
  },
  bury: {
    timeoutSeconds: DELIVER_TIMEOUT_SECONDS,
    memoryMb: 256,
    triggers: [{ queue: "deadLetters", batchSize: 10 }],
    settings: ["LOG_LEVEL", "RETENTION_DAYS", "INDEX_SHARDS"],
    grants: {
      table: { keys: [{ actions: ["GetItem", "PutItem", "UpdateItem"], keyPrefixes: ["JOB#"] }] },
      sendTo: priorities,
      schedule: true,
      consume: ["deadLetters"],
    },
    feedsItself: true,
  },
} as const satisfies Readonly<Record<string, FunctionTopology>>;

export type FunctionName = keyof typeof functions;

/** The variables that a function is given: its settings, and the names of what it is granted. */
export const variablesOf = ({ settings, grants }: FunctionTopology): readonly string[] => {
  const queueNames = new Set([
    ...(grants.sendTo ?? []),
    ...(grants.consume ?? []),
    ...(grants.inspect ?? []),
  ]);
  return [
    ...settings,
    ...(grants.table ? [table.nameVariable] : []),
    ...[...queueNames].map((queue) => queues[queue].urlVariable),
    ...(grants.schedule || grants.inspectSchedules ? [schedules.groupVariable] : []),
    ...(grants.schedule
      ? [
          schedules.roleVariable,
          ...[...schedules.sendTo, schedules.deadLetters].map((queue) => queues[queue].arnVariable),
        ]
      : []),
  ];
};
