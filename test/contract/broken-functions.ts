import { makeHandler as makeChangeJobs } from "../../lambdas/functions/change-jobs/handler.ts";
import { makeHandler as makeCreateJobs } from "../../lambdas/functions/create-jobs/handler.ts";
import { makeHandler as makeManage } from "../../lambdas/functions/manage/handler.ts";
import { makeHandler as makeReadJobs } from "../../lambdas/functions/read-jobs/handler.ts";
import { makeHandler as makeSystem } from "../../lambdas/functions/system/handler.ts";
import { parseAllowList } from "../../lambdas/core/rules/destination-policy.ts";
import { functions } from "../../lib/topology.ts";
import type { FunctionTopology } from "../../lib/topology.ts";
import { jobTo } from "../support/api.ts";
import { silentTelemetry } from "../unit/support/api-event.ts";

const BAIT = "https://receiver.example/";

/** What gets a call as far as what is behind it. */
export const bodyOf = (path: string): object => {
  if (path.endsWith("secrets")) return { tenant_id: "t1" };
  return path.endsWith("batch") ? { jobs: [jobTo(BAIT)] } : jobTo(BAIT);
};
export const queryOf = (method: string, path: string): string => {
  if (path.endsWith("secrets") && method === "DELETE") return "tenant_id=t1&id=sec_1";
  return ["/v1/jobs", "/v1/signing-secrets"].includes(path) && method === "GET"
    ? "tenant_id=t1"
    : "";
};

/** Every function over parts that all fail alike, by its routes. */
export const brokenBy = (error: Error) => {
  const fail = () => Promise.reject(error);
  const telemetry = silentTelemetry;
  const store = { read: fail, readWithContent: fail, listAttempts: fail };
  const chance = { bytes: () => new Uint8Array(12) };
  const handlers = {
    "create-jobs": makeCreateJobs({ telemetry, allow: parseAllowList(""), acceptJobs: fail }),
    "read-jobs": makeReadJobs({ telemetry, store, listJobs: fail, cursorSecret: fail, chance }),
    "change-jobs": makeChangeJobs({ telemetry, cancelJob: fail, retryJob: fail }),
    manage: makeManage({
      telemetry,
      secrets: { read: fail },
      putSecret: fail,
      deleteSecret: fail,
    }),
    system: makeSystem({ telemetry, checks: { table: fail } }),
  };
  return Object.fromEntries(
    Object.entries(handlers).flatMap(
      ([name, handler]) =>
        (functions[name as keyof typeof handlers] as FunctionTopology).routes?.map(
          (route) => [route, handler] as const,
        ) ?? [],
    ),
  );
};
