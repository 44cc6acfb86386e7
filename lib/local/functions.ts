import { makeHandler as makeBury } from "../../lambdas/functions/bury/handler.ts";
import { makeHandler as makeChangeJobs } from "../../lambdas/functions/change-jobs/handler.ts";
import { makeHandler as makeCreateJobs } from "../../lambdas/functions/create-jobs/handler.ts";
import { makeHandler as makeDeliver } from "../../lambdas/functions/deliver/handler.ts";
import { makeHandler as makeManage } from "../../lambdas/functions/manage/handler.ts";
import { makeHandler as makeReadJobs } from "../../lambdas/functions/read-jobs/handler.ts";
import { makeHandler as makeSystem } from "../../lambdas/functions/system/handler.ts";
import type { Clients } from "../../lambdas/wiring/clients.ts";
import {
  composeBury,
  composeChangeJobs,
  composeCreateJobs,
  composeDeliver,
  composeManage,
  composeReadJobs,
  composeSystem,
} from "../../lambdas/wiring/compose.ts";
import type { Environment } from "../../lambdas/wiring/config.ts";
import type { HttpFunction } from "../../lambdas/middleware/http.ts";
import type { QueueFunction } from "../../lambdas/middleware/queue.ts";
import { functions, variablesOf } from "../topology.ts";
import type { FunctionName, FunctionTopology } from "../topology.ts";

export interface LocalFunctions {
  /** By route key. */
  readonly routes: Readonly<Record<string, HttpFunction>>;
  readonly consumers: Readonly<Partial<Record<FunctionName, QueueFunction>>>;
}

/**
 * The very handlers that are deployed, all in this process. Each gets the variables and the grants
 * that its entry in the topology names, and nothing else.
 *
 * @param pause how a worker waits for a slot
 */
export const makeLocalFunctions = (
  variables: Environment,
  clientsFor: (topology: FunctionTopology) => Clients,
  pause: (ms: number) => Promise<void>,
): LocalFunctions => {
  const given = (name: FunctionName): [Environment, Clients] => {
    const topology: FunctionTopology = functions[name];
    const environment: Environment = Object.fromEntries(
      variablesOf(topology).map((variable) => [variable, variables[variable]]),
    );
    return [environment, clientsFor(topology)];
  };
  const httpHandlers: Partial<Record<FunctionName, HttpFunction>> = {
    "create-jobs": makeCreateJobs(composeCreateJobs(...given("create-jobs"))),
    "read-jobs": makeReadJobs(composeReadJobs(...given("read-jobs"))),
    "change-jobs": makeChangeJobs(composeChangeJobs(...given("change-jobs"))),
    manage: makeManage(composeManage(...given("manage"))),
    system: makeSystem(composeSystem(...given("system"))),
  };
  const routes = Object.entries<FunctionTopology>(functions).flatMap(([name, topology]) => {
    const handler = httpHandlers[name as FunctionName];
    return handler ? (topology.routes ?? []).map((route) => [route, handler] as const) : [];
  });
  return {
    routes: Object.fromEntries(routes),
    consumers: {
      deliver: makeDeliver(composeDeliver(...given("deliver"), pause)),
      bury: makeBury(composeBury(...given("bury"))),
    },
  };
};
