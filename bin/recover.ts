import { recoverJobs } from "../lambdas/core/usecases/recover-jobs.ts";
import { awsClients } from "../lambdas/wiring/clients.ts";
import { composeRecovery } from "../lambdas/wiring/compose.ts";
import { localDynamoDb, localScheduler, localSqs } from "../lib/local/clients.ts";
import { readEndpointsFile } from "../lib/local/endpoints-file.ts";
import { resourceVariables } from "../lib/local/provision.ts";
import { loadEnvironment, readSettings } from "../lib/local/settings.ts";

/**
 * `npm run recover`: sends every job that is not over a message anew. For a deployment whose queue
 * was purged; safe at any time, since a message too many is deleted by the rules.
 *
 * With TABLE_NAME and the variables of queues and schedules in the environment (the stack prints
 * them) it works on that deployment, else on the runtime that runs on PULSEGATE_DATA_DIR.
 */
try {
  const environment = loadEnvironment();
  const isDeployed = environment["TABLE_NAME"] !== undefined;
  const sent = await recoverJobs(
    isDeployed ? composeRecovery(environment, awsClients) : localRecovery(environment),
  );
  console.log(`${sent} jobs are not over; each has a message again`);
} catch (error) {
  console.error(`cannot recover: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

function localRecovery(environment: NodeJS.ProcessEnv) {
  const dataDir = readSettings(environment).PULSEGATE_DATA_DIR;
  const { endpoints, queueUrls } = readEndpointsFile(dataDir);
  return composeRecovery(resourceVariables(queueUrls), {
    dynamodb: () => localDynamoDb(endpoints.dynamodb),
    sqs: () => localSqs(endpoints.sqs),
    scheduler: () => localScheduler(endpoints.scheduler),
  });
}
