/** The HTTP API (version 2, payload format 2.0): who may call which route of which function. */
import { RemovalPolicy, Validations } from "aws-cdk-lib";
import { AccessLogField, AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  HttpApi as AwsHttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { openRoutes } from "../topology.ts";
import type { FunctionTopology, RouteKey } from "../topology.ts";
import type { StageSettings } from "./stage.ts";

export interface HttpApiProps {
  readonly stage: StageSettings;
}

export class HttpApi extends Construct {
  readonly url: string;
  readonly #api: AwsHttpApi;

  constructor(scope: Construct, id: string, { stage }: HttpApiProps) {
    super(scope, id);
    this.#api = new AwsHttpApi(this, "Api", {
      apiName: `pulsegate-${stage.name}`,
      createDefaultStage: false,
    });
    const logGroup = new LogGroup(this, "AccessLogs", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: stage.development ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    const { url } = new HttpStage(this, "Stage", {
      httpApi: this.#api,
      autoDeploy: true,
      throttle: {
        rateLimit: stage.throttle.requestsPerSecond,
        burstLimit: stage.throttle.burst,
      },
      accessLogSettings: { destination: new LogGroupLogDestination(logGroup), format: accessLog },
    });
    this.url = url;
  }

  /** Leads the routes of a function to it: signed requests only, unless the topology opens one. */
  route(name: string, fn: IFunction, { routes = [] }: FunctionTopology): void {
    const integration = new HttpLambdaIntegration(name, fn);
    for (const key of routes) {
      const open = openRoutes.includes(key);
      const route = new HttpRoute(this, key.replaceAll("/", "|"), {
        httpApi: this.#api,
        routeKey: routeKey(key),
        integration,
        authorizer: open ? new HttpNoneAuthorizer() : new HttpIamAuthorizer(),
      });
      if (open) acknowledgeOpen(route);
    }
  }
}

function routeKey(key: RouteKey): HttpRouteKey {
  if (key === "$default") return HttpRouteKey.DEFAULT;
  const [method, path] = key.split(" ") as [keyof typeof HttpMethod, string];
  return HttpRouteKey.with(path, HttpMethod[method]);
}

/** One JSON line a request; the ids are those that the functions' own lines carry. */
const accessLog = AccessLogFormat.custom(
  JSON.stringify({
    request_id: AccessLogField.contextRequestId(),
    time: AccessLogField.contextRequestTime(),
    route: AccessLogField.contextRouteKey(),
    status: AccessLogField.contextStatus(),
    latency_ms: AccessLogField.contextResponseLatency(),
    response_bytes: AccessLogField.contextResponseLength(),
    source_ip: AccessLogField.contextIdentitySourceIp(),
    caller: AccessLogField.contextIdentityUserArn(),
    error: AccessLogField.contextErrorMessage(),
    integration_error: AccessLogField.contextIntegrationErrorMessage(),
  }),
);

function acknowledgeOpen(route: HttpRoute): void {
  Validations.of(route).acknowledge({
    id: "AwsSolutions-APIG4",
    reason: "Health, readiness, and the words for what does not exist: nothing of a tenant's.",
  });
}
