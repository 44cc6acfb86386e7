import { existsSync } from "node:fs";
import * as z from "zod";
import { wholeNumberText } from "../../lambdas/channels/whole-number.ts";
import { plainText } from "../../lambdas/contract/plain-text.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";

const endpoint = z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional();

/** The settings of the local runtime: environment variables, each with its default and its reason. */
const fields = z.object({
  PORT: wholeNumberText(0, 65_535)
    .default(8080)
    .meta({ description: "Where the API listens; 0 takes any free port" }),
  HOST: z.string().min(1).default("127.0.0.1").meta({
    description: "The address it listens on; another than loopback opens it to the network",
  }),
  PULSEGATE_DATA_DIR: z
    .string()
    .min(1)
    .default(".pulsegate")
    .meta({ description: "The folder of everything that must survive a restart" }),
  WORKER_CONCURRENCY: wholeNumberText(1, 1_000)
    .default(20)
    .meta({ description: "Requests to destinations that are open at once" }),
  QUEUE_CAPACITY: wholeNumberText(1, 1_000_000_000).default(1_000_000).meta({
    description:
      "Messages in the queues; beyond it a post is answered with 503. Jobs more than 15 minutes ahead lie in the Scheduler and do not count",
  }),
  DEDUPE_WINDOW_SECONDS: wholeNumberText(1, 365 * 24 * 3_600)
    .default(3_600)
    .meta({
      description:
        "How long a dedupe key is held, from its job's creation on; at most as long as `RETENTION_DAYS`",
    }),
  RETENTION_DAYS: wholeNumberText(1, 3_650)
    .default(30)
    .meta({ description: "How long a job and its attempts are kept after its end" }),
  DESTINATION_ALLOW: z
    .string()
    .default("127.0.0.0/8,::1/128")
    .superRefine((text, context) => {
      try {
        parseAllowList(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: error instanceof Error ? error.message : "" });
      }
    })
    .meta({
      description: "Hosts and address ranges that may be reached beside the public internet",
    }),
  AUTH: z
    .enum(["off"], { error: "must be off: the local runtime has no keys yet" })
    .default("off")
    .meta({ description: "Who may call the API" }),
  LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .meta({ description: "From which level on the log is written" }),
  DYNOXIDE_BIN: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "The embedded table's program; found by itself if left out" }),
  DYNAMODB_ENDPOINT: endpoint.meta({
    description: "Another DynamoDB-compatible server, instead of the embedded one",
  }),
  SQS_ENDPOINT: endpoint.meta({
    description: "Another SQS-compatible server, instead of the embedded one",
  }),
  SCHEDULER_ENDPOINT: endpoint.meta({
    description: "Another EventBridge-Scheduler-compatible server, instead of the embedded one",
  }),
});

const schema = fields.superRefine(({ DEDUPE_WINDOW_SECONDS, RETENTION_DAYS }, context) => {
  const keptSeconds = RETENTION_DAYS * 24 * 3_600;
  if (DEDUPE_WINDOW_SECONDS <= keptSeconds) return;
  context.addIssue({
    code: "custom",
    path: ["DEDUPE_WINDOW_SECONDS"],
    message: `must be at most ${keptSeconds}, the seconds of RETENTION_DAYS: a key would outlive its job`,
  });
});

export type LocalSettings = z.infer<typeof schema>;

/**
 * @param environment empty variables count as left out, as in a copied `.env.example`; all but
 * HOST, which others take for every address when it is empty, and we would take for loopback
 * @throws Error that names every wrong setting
 */
export const readSettings = (
  environment: Readonly<Record<string, string | undefined>>,
): LocalSettings => {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => value !== "" || name === "HOST"),
  );
  const parsed = schema.safeParse(given, { error: plainText });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new Error(`wrong setting: ${faults.join("; ")}`);
};

/** The process's environment, with what a file `.env` in this folder adds to it. */
export const loadEnvironment = (): NodeJS.ProcessEnv => {
  if (existsSync(".env")) process.loadEnvFile(".env");
  return process.env;
};

export interface SettingDoc {
  readonly name: string;
  readonly default: string;
  readonly description: string;
}

/** The settings as documentation shows them. */
export const settingDocs = (): readonly SettingDoc[] => {
  const defaults = new Map(Object.entries(schema.parse({})));
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    default: String(defaults.get(name) ?? ""),
    description: field.meta()?.description ?? "",
  }));
};
