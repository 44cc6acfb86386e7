import pLimit from "p-limit";
import { composeRecovery } from "../../lambdas/wiring/compose.ts";
import { functions, LEASE_SECONDS, queues } from "../topology.ts";
import type { FunctionName, FunctionTopology, QueueName } from "../topology.ts";
import { grantedClients, localDynamoDb, localScheduler, localSqs } from "./clients.ts";
import type { Endpoints } from "./clients.ts";
import { openDataFolder } from "./data-folder.ts";
import { startEmulators } from "./emulators.ts";
import { startEventSource } from "./event-source.ts";
import type { EventSource } from "./event-source.ts";
import { makeLocalFunctions } from "./functions.ts";
import { startHttpGateway } from "./http-gateway.ts";
import { openInFlightJournal } from "./in-flight-journal.ts";
import { Places } from "./places.ts";
import {
  provisionQueues,
  provisionSchedules,
  provisionTable,
  queueArn,
  resourceVariables,
} from "./provision.ts";
import { makeLocalRecovery } from "./recovery.ts";
import { writeEndpointsFile } from "./endpoints-file.ts";
import type { LocalSettings } from "./settings.ts";
import { startTtlSweep } from "./ttl-sweep.ts";

/** Over how many partitions a tenant's index entries are spread, as in a small stage of the cloud. */
const INDEX_SHARDS = 4;

export interface Runtime {
  readonly url: string;
  /** Resolves with one line if something that the runtime stands on ends unasked. */
  readonly died: Promise<string>;
  /** Finishes the requests and attempts under way, then ends everything. */
  stop(): Promise<void>;
}

/**
 * The whole system on one machine: starts what the topology names, around the very handlers that
 * are deployed.
 *
 * @throws Error with one line for the user: a locked folder, a missing program, a port in use
 */
export const startRuntime = async (settings: LocalSettings): Promise<Runtime> => {
  // Whatever was started is stopped in reverse, also if a later step fails.
  const started: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    const failures: unknown[] = [];
    for (const end of started.splice(0).toReversed()) {
      await Promise.resolve(end()).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    const folder = await openDataFolder(settings.PULSEGATE_DATA_DIR);
    started.push(() => folder.release());
    const emulators = await startEmulators({
      dataDir: folder.path,
      dynamodb: settings.DYNAMODB_ENDPOINT === undefined,
      sqs: settings.SQS_ENDPOINT === undefined,
      scheduler: settings.SCHEDULER_ENDPOINT === undefined,
      sqsEndpoint: settings.SQS_ENDPOINT,
      ...(settings.DYNOXIDE_BIN === undefined ? {} : { dynoxideBin: settings.DYNOXIDE_BIN }),
    });
    started.push(() => emulators.stop());
    const endpoints: Endpoints = {
      dynamodb: settings.DYNAMODB_ENDPOINT ?? emulators.dynamodbEndpoint ?? "",
      sqs: settings.SQS_ENDPOINT ?? emulators.sqsEndpoint ?? "",
      scheduler: settings.SCHEDULER_ENDPOINT ?? emulators.schedulerEndpoint ?? "",
    };
    const dynamodb = localDynamoDb(endpoints.dynamodb);
    const sqs = localSqs(endpoints.sqs);
    const scheduler = localScheduler(endpoints.scheduler);
    await provisionTable(dynamodb);
    const queueUrls = await provisionQueues(sqs);
    await provisionSchedules(scheduler);

    const journal = openInFlightJournal(folder.path);
    started.push(() => journal.close());
    const variables = variablesFrom(settings, queueUrls);
    const recovery = makeLocalRecovery(
      composeRecovery(variables, {
        dynamodb: () => dynamodb,
        sqs: () => sqs,
        scheduler: () => scheduler,
      }),
      { sqs, scheduler },
      queueUrls,
    );
    await recovery.endFormerLeases(journal.leftOver);
    journal.forgetLeftOver();

    const places = new Places(pLimit(settings.WORKER_CONCURRENCY));
    const { routes, consumers } = makeLocalFunctions(
      variables,
      (topology) => grantedClients(endpoints, topology, queueUrls),
      places.pause,
    );
    const eventSources = triggers().map(({ functionName, queue, timeoutMs }): EventSource => {
      const handler = consumers[functionName];
      if (!handler) throw new Error(`${functionName} is no consumer of a queue`);
      return startEventSource({
        client: sqs,
        queueUrl: queueUrls[queue],
        queueArn: queueArn(queue),
        functionName,
        handler,
        // One message an invocation: here an invocation holds a place until its slowest message is
        // done, where Lambda would start another one.
        batchSize: 1,
        places,
        timeoutMs,
        visibilityMs: queues[queue].visibilitySeconds * 1_000,
        journal,
      });
    });
    started.push(async () => {
      await Promise.all(eventSources.map((source) => source.stop()));
    });

    const gateway = await startHttpGateway({
      host: settings.HOST,
      port: settings.PORT,
      routes,
    });
    started.push(() => gateway.stop());
    const sweep = startTtlSweep(dynamodb);
    started.push(() => sweep.stop());
    writeEndpointsFile(folder.path, { endpoints, queueUrls });

    // In pages, beside the work: a table of a million jobs takes a while.
    recovery.restoreLostMessages().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      console.error(`lost messages could not be looked for: ${why}`);
    });
    return { url: gateway.url, died: emulators.died, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const variablesFrom = (
  settings: LocalSettings,
  queueUrls: Readonly<Record<QueueName, string>>,
): Record<string, string> => ({
  ...resourceVariables(queueUrls),
  LOG_LEVEL: settings.LOG_LEVEL,
  RETENTION_DAYS: String(settings.RETENTION_DAYS),
  INDEX_SHARDS: String(INDEX_SHARDS),
  LEASE_SECONDS: String(LEASE_SECONDS),
  DEDUPE_WINDOW_SECONDS: String(settings.DEDUPE_WINDOW_SECONDS),
  QUEUE_CAPACITY: String(settings.QUEUE_CAPACITY),
  DESTINATION_ALLOW: settings.DESTINATION_ALLOW,
});

const triggers = () =>
  Object.entries<FunctionTopology>(functions).flatMap(([functionName, topology]) =>
    (topology.triggers ?? []).map(({ queue }) => ({
      functionName: functionName as FunctionName,
      queue,
      timeoutMs: topology.timeoutSeconds * 1_000,
    })),
  );
