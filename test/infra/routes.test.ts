import { describe, expect, it } from "vitest";
import { openRoutes } from "../../lib/topology.ts";
import { resourcesOf, synthesize } from "./synthesized.ts";

const stage = synthesize("dev");
const routes = resourcesOf<Route>(stage.stateless, "AWS::ApiGatewayV2::Route").map(
  ([, { Properties }]) => Properties,
);
const integrations = new Map(
  resourcesOf<Integration>(stage.stateless, "AWS::ApiGatewayV2::Integration"),
);
const open = [
  "$default",
  "GET /healthz",
  "GET /openapi.json",
  "GET /readyz",
  "HEAD /healthz",
  "HEAD /readyz",
];
const signed = {
  "POST /v1/jobs": "createjobsFunction",
  "POST /v1/jobs/batch": "createjobsFunction",
  "GET /v1/jobs": "readjobsFunction",
  "GET /v1/jobs/{id}": "readjobsFunction",
  "GET /v1/jobs/{id}/attempts": "readjobsFunction",
  "POST /v1/jobs/{id}/cancel": "changejobsFunction",
  "POST /v1/jobs/{id}/retry": "changejobsFunction",
  "PUT /v1/signing-secrets": "manageFunction",
  "GET /v1/signing-secrets": "manageFunction",
  "DELETE /v1/signing-secrets": "manageFunction",
};

describe("A route", () => {
  it("exists for each that the API promises, and for nothing else", () => {
    expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual(
      [...open, ...Object.keys(signed)].toSorted(),
    );
  });

  it("leads to its function", () => {
    const targets = routes.map(({ RouteKey, Target }) => {
      const { Properties } = integrations.get(Target["Fn::Join"][1][1].Ref)!;
      expect(Properties.PayloadFormatVersion).toBe("2.0");
      return `${RouteKey} -> ${stage.resourceOf(Properties.IntegrationUri)}`;
    });
    expect(targets.toSorted()).toEqual(
      [
        ...open.map((route) => `${route} -> systemFunction`),
        ...Object.entries(signed).map(([route, to]) => `${route} -> ${to}`),
      ].toSorted(),
    );
  });

  it("asks for a signed request, unless it shows nothing of a tenant's", () => {
    expect([...openRoutes].toSorted()).toEqual(open);
    for (const { RouteKey, AuthorizationType } of routes) {
      expect(AuthorizationType, RouteKey).toBe(open.includes(RouteKey) ? "NONE" : "AWS_IAM");
    }
  });

  it("is in the one API that there is", () => {
    expect(resourcesOf(stage.stateless, "AWS::ApiGatewayV2::Api")).toHaveLength(1);
  });
});

describe("The gateway", () => {
  const stages = (of: typeof stage) =>
    resourcesOf<StageProperties>(of.stateless, "AWS::ApiGatewayV2::Stage").map(
      ([, { Properties }]) => Properties,
    );

  it("lets no more through than its stage says", () => {
    const throttled = { dev: { throttle: { requestsPerSecond: 50, burst: 80 } } };
    expect(stages(stage)).toMatchObject([
      { DefaultRouteSettings: { ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 } },
    ]);
    expect(stages(synthesize("dev", throttled))).toMatchObject([
      { DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 80 } },
    ]);
  });

  it("answers at the root, with no stage in the path", () => {
    expect(stages(stage)).toMatchObject([{ StageName: "$default", AutoDeploy: true }]);
  });

  it("writes a JSON line per request, and nothing of its body or its credentials", () => {
    const line = JSON.parse(stages(stage)[0]!.AccessLogSettings.Format);
    expect(line).toMatchObject({ request_id: "$context.requestId", route: "$context.routeKey" });
    expect(JSON.stringify(line)).not.toMatch(/authorization|apiKey|\$context\.path/i);
  });
});

describe("What an operator needs to know", () => {
  it("is among the outputs: the address, and the variables of the commands", () => {
    const outputs = { ...stage.stateful.Outputs, ...stage.stateless.Outputs };
    const own = Object.keys(outputs).filter((name) => !name.startsWith("ExportsOutput"));
    expect(own.toSorted()).toEqual([
      "ApiUrl",
      "QueueArnDeadLetters",
      "QueueArnHigh",
      "QueueArnLow",
      "QueueArnNormal",
      "QueueUrlDeadLetters",
      "QueueUrlHigh",
      "QueueUrlLow",
      "QueueUrlNormal",
      "QueueUrlParked",
      "ScheduleGroup",
      "ScheduleRoleArn",
      "TableName",
    ]);
  });
});

interface Route {
  readonly RouteKey: string;
  readonly AuthorizationType: string;
  /** `integrations/` and the id of one. */
  readonly Target: { readonly "Fn::Join": [string, [string, { readonly Ref: string }]] };
}

interface Integration {
  readonly PayloadFormatVersion: string;
  readonly IntegrationUri: unknown;
}

interface StageProperties {
  readonly AccessLogSettings: { readonly Format: string };
}
