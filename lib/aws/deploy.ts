/** Deploys a stage by the CDK's own command, and says where its API answers. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface Deployed {
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** What the stateful stack prints: table, queues and schedules, by output name. */
  readonly stateful: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const cdkProgram = join(root, "node_modules/aws-cdk/bin/cdk");

/**
 * Runs `cdk deploy` on both stacks of a stage, with the credentials and the server that
 * `environment` names.
 *
 * @throws DeployError if it fails; what is wrong has been printed then
 */
export const deployStage = async (
  stage: string,
  environment: NodeJS.ProcessEnv,
  more: readonly string[] = [],
): Promise<Deployed> => {
  const folder = await mkdtemp(join(tmpdir(), "pulsegate-deploy-"));
  const file = join(folder, "outputs.json");
  try {
    const args = ["deploy", "--all", "--context", `stage=${stage}`, "--outputs-file", file];
    await cdk([...args, ...more], environment);
    const outputs = JSON.parse(await readFile(file, "utf8")) as Record<
      string,
      Readonly<Record<string, string>> | undefined
    >;
    const given = outputs[`pulsegate-${stage}-stateless`]?.["ApiUrl"];
    if (given === undefined) throw new DeployError("the stack printed no ApiUrl");
    return {
      apiUrl: reachableUrl(given, environment["AWS_ENDPOINT_URL"]),
      stateful: outputs[`pulsegate-${stage}-stateful`] ?? {},
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Prepares an account and region for the CDK; once for each, but harmless again. */
export const bootstrap = (
  account: string,
  region: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> => cdk(["bootstrap", `aws://${account}/${region}`], environment);

/**
 * Waits until something answers there.
 *
 * @throws DeployError if nothing does within half a minute
 */
export const untilAnswering = async (endpoint: string): Promise<void> => {
  for (let tries = 0; tries < 60; tries += 1) {
    if (tries === 1) console.error(`waiting for a server at ${endpoint}`);
    const answers = await fetch(endpoint, { signal: AbortSignal.timeout(5_000) }).then(
      () => true,
      // A certificate that this process does not know is an answer, too.
      ({ cause }: { cause?: { code?: string } }) => /CERT/.test(cause?.code ?? ""),
    );
    if (answers) return;
    await sleep(500);
  }
  throw new DeployError(
    `nothing answers at ${endpoint}: docker compose -f localstack.yml up starts a server`,
  );
};

/** The deployment failed, or never began. */
export class DeployError extends Error {}

/**
 * Local servers may print the name that AWS would give, which leads to AWS. They answer for it under
 * their own address, at a path that LocalStack made customary.
 */
const reachableUrl = (given: string, endpoint: string | undefined): string => {
  const { hostname } = new URL(given);
  const [apiId] = hostname.split(".");
  return endpoint !== undefined && hostname.endsWith(".amazonaws.com")
    ? new URL(`/_aws/execute-api/${apiId}`, endpoint).href
    : given.replace(/\/$/, "");
};

const cdk = async (args: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> => {
  // Its progress goes to standard error: who calls has standard output for the result.
  const child = spawn(process.execPath, [cdkProgram, ...args], {
    cwd: root,
    env: environment,
    stdio: ["inherit", 2, 2],
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code !== 0) throw new DeployError(`cdk ${args[0]} ended with ${signal ?? code}`);
};
