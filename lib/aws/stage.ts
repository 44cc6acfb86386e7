/**
 * The settings of a stage: the `stages` of cdk.json's context, one object a stage, and `local`. A
 * deployment names its stage (`--context stage=prod`, or `dev`); a wrong setting stops it before AWS
 * is asked.
 */
import type { Node } from "constructs";
import * as z from "zod";
import { plainText } from "../../lambdas/contract/plain-text.ts";
import { LEASE_SECONDS } from "../topology.ts";
import type { SettingName } from "../topology.ts";
import { LOCAL_STAGE, localStage } from "./local-stage.ts";

const destination = z.union(
  [z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6(), z.hostname().regex(/[^\d.]/)],
  { error: "must be a host, an address, or an address range such as 10.0.0.0/8" },
);

const DAY_SECONDS = 24 * 3600;

const fields = z.strictObject({
  /** A stage that may be thrown away: table, queues and logs go with their stacks. */
  development: z.boolean().default(false),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** How long a job is kept after its end. */
  retentionDays: z.int().min(1, { abort: true }).max(3650).default(30),
  /** Over how many keys an index spreads a tenant. Jobs written under another number stay unlisted. */
  indexShards: z.int().min(1).max(100).default(4),
  /** Networks, addresses and hosts that jobs may be sent to although they are no public ones. */
  destinationAllow: z.array(destination).default([]),
  /** How long a dedupe key is held, from its job's creation on: no longer than the job is kept. */
  dedupeWindowSeconds: z
    .int()
    .min(1)
    .max(365 * DAY_SECONDS)
    .default(3600),
  /** Jobs waiting in the queues, beyond which a post is answered with 503; 0 means any number. */
  queueCapacity: z.int().min(0).default(0),
  /** Requests that the gateway lets through, all callers together. */
  throttle: z
    .strictObject({
      requestsPerSecond: z.int().min(1).default(1000),
      burst: z.int().min(1).default(2000),
    })
    .prefault({}),
  /**
   * Invocations at once per queue, unbounded if absent. A bound keeps pollers busy while nothing
   * comes, and what they receive empty-handed is billed
   * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
   */
  maxConcurrency: z.int().min(2).max(1000).optional(),
});

const settings = fields.superRefine(({ dedupeWindowSeconds, retentionDays }, context) => {
  const keptSeconds = retentionDays * DAY_SECONDS;
  if (dedupeWindowSeconds <= keptSeconds) return;
  context.addIssue({
    code: "custom",
    path: ["dedupeWindowSeconds"],
    message: `must be at most ${keptSeconds}, the seconds of retentionDays: a key would outlive its job`,
  });
});

export type StageSettings = Readonly<z.output<typeof settings>> & { readonly name: string };

const stageName = z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, {
  error: "must be a letter and at most 19 more letters, digits and -, all in lower case",
});
const stages = z.record(stageName, z.unknown(), {
  error: ({ code }) => (code === "invalid_key" ? "is no name of a stage" : undefined),
});

/** Reads the stage that the deployment names, or throws with every fault, each after its field. */
export function readStage(node: Node): StageSettings {
  const name = parse(stageName, node.tryGetContext("stage") ?? "dev", ["stage"]);
  const known: Readonly<Record<string, unknown>> = {
    ...parse(stages, node.tryGetContext("stages") ?? {}, ["stages"]),
    [LOCAL_STAGE]: localStage,
  };
  if (!Object.hasOwn(known, name)) {
    const names = Object.keys(known).join(", ");
    throw new StageError(`stage: "${name}" is not among the stages (${names}) that cdk.json has`);
  }
  return { ...parse(settings, known[name], ["stages", name]), name };
}

/** The same settings as a function reads them; each function gets those that its topology names. */
export function settingVariables(stage: StageSettings): Readonly<Record<SettingName, string>> {
  return {
    LOG_LEVEL: stage.logLevel,
    RETENTION_DAYS: String(stage.retentionDays),
    INDEX_SHARDS: String(stage.indexShards),
    DESTINATION_ALLOW: stage.destinationAllow.join(","),
    LEASE_SECONDS: String(LEASE_SECONDS),
    DEDUPE_WINDOW_SECONDS: String(stage.dedupeWindowSeconds),
    QUEUE_CAPACITY: String(stage.queueCapacity),
  };
}

/** A fault of who deploys, not of the program: its message is all there is to say. */
export class StageError extends Error {}

function parse<T>(schema: z.ZodType<T>, value: unknown, at: readonly string[]): T {
  const result = schema.safeParse(value, { error: plainText });
  if (result.success) return result.data;
  throw new StageError(
    result.error.issues
      .map(({ path, message }) => `${[...at, ...path].join(".")}: ${message}`)
      .join("\n"),
  );
}
