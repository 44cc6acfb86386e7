import { readQuery } from "../../contract/query.ts";
import type { HealthView, ReadinessView } from "../../contract/views.ts";
import { Problem } from "../../core/errors.ts";
import { httpApi } from "../../middleware/http.ts";
import type { ApiRequest, ApiResponse } from "../../middleware/http.ts";
import type { Telemetry } from "../../middleware/telemetry.ts";
import { refuseUnknown } from "./unknown-route.ts";
import openApi from "./openapi.json" with { type: "json" };

export interface Deps {
  readonly telemetry: Telemetry;
  /** What the system stands on, each with a check that rejects if it does not answer. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>;
}

export const makeHandler = ({ telemetry, checks }: Deps) => {
  const healthz = ({ rawQueryString }: ApiRequest): ApiResponse => {
    readQuery(rawQueryString, []);
    return { status: 200, body: { status: "ok" } satisfies HealthView };
  };

  const readyz = async ({ rawQueryString }: ApiRequest): Promise<ApiResponse> => {
    readQuery(rawQueryString, []);
    const missing = await failedOf(checks, telemetry);
    if (missing.length === 0)
      return { status: 200, body: { status: "ready" } satisfies ReadinessView };
    throw new Problem("unavailable", `No answer from: ${missing.join(", ")}.`, {
      retryAfterSeconds: 5,
    });
  };

  /** Printed from the schemas beforehand, so that neither they nor their printer are deployed. */
  const description = ({ rawQueryString }: ApiRequest): ApiResponse => {
    readQuery(rawQueryString, []);
    return { status: 200, body: openApi };
  };

  return httpApi(telemetry, {
    "GET /healthz": healthz,
    "HEAD /healthz": healthz,
    "GET /readyz": readyz,
    "HEAD /readyz": readyz,
    "GET /openapi.json": description,
    $default: refuseUnknown,
  });
};

const failedOf = async (
  checks: Deps["checks"],
  { logger }: Telemetry,
): Promise<readonly string[]> => {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await check();
        return undefined;
      } catch (error) {
        logger.error("a check of readiness failed", { check: name, error: error as Error });
        return name;
      }
    }),
  );
  return results.filter((name) => name !== undefined);
};
