import { randomUUID } from "node:crypto";
import middy from "@middy/core";
import type { MiddlewareObj } from "@middy/core";
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import { problemDocument, problemHeaders } from "../contract/problem.ts";
import { Problem, problemCodes } from "../core/errors.ts";
import { publishMetrics } from "./telemetry.ts";
import type { Telemetry } from "./telemetry.ts";

/** A request, as a route sees it. */
export interface ApiRequest {
  readonly method: string;
  /** Decoded, as the gateway hands it on. */
  readonly rawPath: string;
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly rawQueryString: string;
  /** Names in lower case; repeated headers joined by comma. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string | undefined;
  readonly isBase64Encoded: boolean;
  readonly nowMs: number;
  readonly requestId: string;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is to be printed as JSON. */
  readonly body?: unknown;
  /** JSON that is printed already. */
  readonly json?: string;
  /** What the request was about, for its line of log. */
  readonly about?: Readonly<Record<string, string>>;
}

/** What Lambda, or the local gateway, invokes. */
export type HttpFunction = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

export type ApiRoute = (request: ApiRequest) => Promise<ApiResponse> | ApiResponse;

/**
 * A function behind API Gateway: its routes by their key, each request with an id and a line of
 * log, and every refusal or failure as problem details.
 */
export const httpApi = (
  telemetry: Telemetry,
  routes: Readonly<Record<string, ApiRoute>>,
): HttpFunction =>
  middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>({
    // Early enough that the answer, the log and the metrics still get out.
    timeoutEarlyInMillis: 500,
  })
    .use(publishMetrics(telemetry))
    .use(accessLog(telemetry))
    .use(problems(telemetry))
    .handler(async (event): Promise<APIGatewayProxyStructuredResultV2> => {
      const route = routes[event.routeKey];
      if (!route) throw new Error(`no route ${event.routeKey}`);
      const answer = await route(requestOf(event));
      const { status, headers, body, json = JSON.stringify(body), about = {} } = answer;
      topics.set(event, about);
      return {
        statusCode: status,
        headers: {
          "content-type": "application/json",
          ...headers,
          "x-request-id": requestIdOf(event),
        },
        body: json,
      };
    });

const requestOf = (event: APIGatewayProxyEventV2): ApiRequest => ({
  method: event.requestContext.http.method,
  rawPath: event.rawPath,
  path: event.pathParameters ?? {},
  rawQueryString: event.rawQueryString,
  headers: event.headers,
  body: event.body,
  isBase64Encoded: event.isBase64Encoded,
  nowMs: Date.now(),
  requestId: requestIdOf(event),
});

const topics = new WeakMap<APIGatewayProxyEventV2, Readonly<Record<string, string>>>();
const newIds = new WeakMap<APIGatewayProxyEventV2, string>();

/** The caller's own id if it is fit for a log, else a new one, the same for the whole request. */
const requestIdOf = (event: APIGatewayProxyEventV2): string => {
  const given = event.headers["x-request-id"];
  if (given !== undefined && /^[A-Za-z0-9._-]{1,128}$/.test(given)) return given;
  const id = newIds.get(event) ?? randomUUID();
  newIds.set(event, id);
  return id;
};

type HttpMiddleware = MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

const accessLog = ({ logger }: Telemetry): HttpMiddleware => {
  const startedAt = new WeakMap<APIGatewayProxyEventV2, number>();
  const write = ({ event, response }: Parameters<NonNullable<HttpMiddleware["after"]>>[0]) => {
    logger.info("request", {
      request_id: requestIdOf(event),
      gateway_request_id: event.requestContext.requestId,
      route: event.routeKey,
      status: response?.statusCode,
      duration_ms: Math.round(performance.now() - (startedAt.get(event) ?? 0)),
      ...topics.get(event),
    });
  };
  return {
    before: ({ event }) => {
      startedAt.set(event, performance.now());
    },
    after: write,
    onError: write,
  };
};

/**
 * A service that did not answer us in time, as opposed to a bug: the SDK's errors say how they were
 * tried, and middy ends a function right before Lambda does.
 */
const faultBehind = (error: unknown): Problem =>
  error instanceof Error && ("$metadata" in error || error.name === "TimeoutError")
    ? new Problem("unavailable", "The request could not be carried out now; send it again.", {
        retryAfterSeconds: 1,
        cause: error,
      })
    : new Problem("internal", "The request could not be carried out.", { cause: error });

/**
 * What lies behind a failure is told to the log alone. A refusal without a cause, such as that the
 * queues are full, is an ordinary answer: its line of log has the code, and there is no stack.
 */
const problems = ({ logger }: Telemetry): HttpMiddleware => ({
  onError: (request) => {
    const { event, error } = request;
    const problem = error instanceof Problem ? error : faultBehind(error);
    const requestId = requestIdOf(event);
    const { status } = problemCodes[problem.code];
    topics.set(event, { code: problem.code });
    if (problem.code === "internal" || problem.cause !== undefined) {
      const cause = problem.cause instanceof Error ? problem.cause : problem;
      logger.error(problem.code, { error: cause, request_id: requestId });
    }
    request.response = {
      statusCode: status,
      headers: { ...problemHeaders(problem), "x-request-id": requestId },
      body: JSON.stringify(problemDocument(problem, requestId)),
    };
  },
});
