import { describe, expect, it } from "vitest";
import { Problem } from "../../../lambdas/core/errors.ts";
import { httpApi } from "../../../lambdas/middleware/http.ts";
import type { Telemetry } from "../../../lambdas/middleware/telemetry.ts";
import { call, silentTelemetry } from "../support/api-event.ts";

/** What a request leaves in the log whose route throws this. */
const logOf = async (thrown: unknown) => {
  const written: object[] = [];
  const writing =
    (level: string) => (message: string, of: { status?: number; code?: string; error?: Error }) =>
      void written.push({
        level,
        message,
        status: of.status,
        code: of.code,
        error: of.error?.message,
      });
  const logger = { info: writing("INFO"), error: writing("ERROR") };
  const telemetry = { ...silentTelemetry, logger } as unknown as Telemetry;
  const route = () => {
    throw thrown;
  };
  await call(httpApi(telemetry, { "GET /": route }), { routeKey: "GET /" });
  return written;
};

const line = (status: number, code: string) => ({
  level: "INFO",
  message: "request",
  status,
  code,
  error: undefined,
});
const error = (message: string, cause: string) => ({
  level: "ERROR",
  message,
  status: undefined,
  code: undefined,
  error: cause,
});

describe("the log", () => {
  it("has one line of a refusal, with its code", async () => {
    expect(await logOf(new Problem("invalid_input", "No."))).toEqual([line(400, "invalid_input")]);
  });

  it("has one line of a 503 behind which there is no fault, too", async () => {
    expect(await logOf(new Problem("unavailable", "Full."))).toEqual([line(503, "unavailable")]);
  });

  it("has the cause of an outage beside it", async () => {
    const outage = new Problem("unavailable", "No.", { cause: new Error("throttled") });
    expect(await logOf(outage)).toEqual([
      error("unavailable", "throttled"),
      line(503, "unavailable"),
    ]);
  });

  it("has every fault of ours, whatever was thrown", async () => {
    expect(await logOf(new TypeError("a bug"))).toEqual([
      error("internal", "a bug"),
      line(500, "internal"),
    ]);
    expect(await logOf(new Problem("internal", "No answer."))).toEqual([
      error("internal", "No answer."),
      line(500, "internal"),
    ]);
  });
});
