import { parseArgs } from "node:util";
import { bootstrap, deployStage, DeployError, untilAnswering } from "../lib/aws/deploy.ts";
import type { Deployed } from "../lib/aws/deploy.ts";
import { LOCAL_ACCOUNT, LOCAL_STAGE, localEnvironment } from "../lib/aws/local-stage.ts";

/**
 * `npm run deploy -- --stage dev [anything that cdk deploy takes]`, and `npm run deploy:local`: the
 * same on a local server (AWS_ENDPOINT_URL, by default http://127.0.0.1:4566).
 */
try {
  const { stage, more } = readArguments(process.argv.slice(2));
  const environment =
    stage === LOCAL_STAGE ? { ...process.env, ...localEnvironment(process.env) } : process.env;
  if (stage === LOCAL_STAGE) {
    await untilAnswering(environment["AWS_ENDPOINT_URL"] ?? "");
    await bootstrap(LOCAL_ACCOUNT, environment["AWS_REGION"] ?? "", environment);
    more.push("--require-approval", "never");
  }
  console.log(nextStep(await deployStage(stage, environment, more), stage));
} catch (error) {
  if (!(error instanceof DeployError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** The stage is ours; all else is for `cdk deploy`, which knows what it takes. */
function readArguments(args: readonly string[]): { stage: string; more: string[] } {
  const options = { stage: { type: "string" } } as const;
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const taken = tokens.filter((token) => token.kind === "option" && token.name === "stage");
  const more = [...args];
  let stage = "dev";
  for (const token of taken.toReversed()) {
    if (token.kind !== "option" || token.value === undefined)
      throw new DeployError("--stage: which?");
    more.splice(token.index, token.inlineValue ? 1 : 2);
    stage = token.value;
  }
  return { stage, more };
}

function nextStep({ apiUrl }: Deployed, stage: string): string {
  const region = /\.execute-api\.([a-z0-9-]+)\.amazonaws\./.exec(apiUrl)?.[1] ?? "us-east-1";
  const user = stage === LOCAL_STAGE ? "test:test" : '"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"';
  // Credentials of a session are signed together with their token.
  const token =
    stage === LOCAL_STAGE
      ? ""
      : '${AWS_SESSION_TOKEN:+-H "x-amz-security-token: $AWS_SESSION_TOKEN"} ';
  return `
PulseGate answers at ${apiUrl}

  curl ${apiUrl}/readyz

Calls for jobs are signed:

  curl --aws-sigv4 aws:amz:${region}:execute-api --user ${user} ${token}\\
    ${apiUrl}/v1/jobs -H 'content-type: application/json' \\
    -d '{"tenant_id":"demo","type":"webhook.dispatch","destination":{"url":"https://example.com/hook"}}'

docs/DEPLOY.md: what was made, what it costs, and how it is removed.`;
}
