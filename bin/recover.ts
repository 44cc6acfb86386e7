import { recoverJobs } from "../lambdas/core/usecases/recover-jobs.ts";
import { awsClients } from "../lambdas/wiring/clients.ts";
import { composeRecovery } from "../lambdas/wiring/compose.ts";
import { localDynamoDb, localScheduler, localSqs } from "../lib/local/clients.ts";
import { isInUse } from "../lib/local/data-folder.ts";
import { readEndpointsFile } from "../lib/local/endpoints-file.ts";
import { resourceVariables } from "../lib/local/provision.ts";
import { loadEnvironment, readSettings } from "../lib/local/settings.ts";

/**
 * `npm run recover`: sends every job that is not over a message anew. For a deployment whose queue
 * was purged; safe at any time, since a message too many is deleted by the rules.
 *
 * With TABLE_NAME and the variables of queues and schedules in the environment (the stack prints
 * them) it works on that deployment, else on the runtime that runs on PULSEGATE_DATA_DIR, which must
 * be running: its table and queues live and end with it.
 */
try {
  const environment = loadEnvironment();
  const isDeployed = environment["TABLE_NAME"] !== undefined;
  const sent = await (isDeployed
    ? recoverJobs(composeRecovery(environment, awsClients))
    : recoverLocally(environment));
  console.log(`${sent} jobs are not over; each has a message again`);
} catch (error) {
  console.error(`cannot recover: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

async function recoverLocally(environment: NodeJS.ProcessEnv): Promise<number> {
  const dataDir = readSettings(environment).PULSEGATE_DATA_DIR;
  const { endpoints, queueUrls } = readEndpointsFile(dataDir);
  const recovery = composeRecovery(resourceVariables(queueUrls), {
    dynamodb: () => localDynamoDb(endpoints.dynamodb),
    sqs: () => localSqs(endpoints.sqs),
    scheduler: () => localScheduler(endpoints.scheduler),
  });
  try {
    return await recoverJobs(recovery);
  } catch (cause) {
    // Asked only now: servers of one's own answer without the runtime, too.
    if (isInUse(dataDir)) throw cause;
    throw new Error(
      `no runtime is running on the data folder ${dataDir}: start it with npm start, and try again`,
      { cause },
    );
  }
}
