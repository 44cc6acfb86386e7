import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { HttpFunction } from "../../../lambdas/middleware/http.ts";
import { makeTelemetry } from "../../../lambdas/middleware/telemetry.ts";

export const silentTelemetry = makeTelemetry("test", "SILENT");

export interface Call {
  readonly routeKey: string;
  /** Where the route key does not say it. */
  readonly method?: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly rawPath?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Calls a function as API Gateway does, and reads its answer. */
export const call = async (handler: HttpFunction, request: Call) => {
  const method = request.method ?? request.routeKey.split(" ")[0];
  const event = {
    routeKey: request.routeKey,
    rawPath: request.rawPath ?? "",
    rawQueryString: request.query ?? "",
    headers: request.headers ?? {},
    pathParameters: request.path ?? {},
    requestContext: { http: { method } },
    body: request.body,
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2;
  const { statusCode, headers, body } = await handler(event, {} as Context);
  const answer: unknown = body === undefined ? undefined : JSON.parse(body);
  return { status: statusCode, headers, text: body, body: answer as Record<string, unknown> };
};
