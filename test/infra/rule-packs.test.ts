import { App, Validations } from "aws-cdk-lib";
import type { Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Queue } from "aws-cdk-lib/aws-sqs";
import type { IConstruct } from "constructs";
import { describe, expect, it, vi } from "vitest";
import { addStage } from "../../lib/aws/stack.ts";
import { readStage } from "../../lib/aws/stage.ts";

const stageApp = () => {
  const app = new App({ context: { stages: { dev: {} } } });
  addStage(app, readStage(app.node), () => Code.fromInline("exports.handler = 1"));
  return app;
};

describe("AWS's rule packs", () => {
  it("find nothing in the stacks that is not explained", () => {
    expect(() => stageApp().synth()).not.toThrow();
  });

  it.each([
    [
      "a role that may do everything",
      (stack: Stack) =>
        new Role(stack, "Planted", {
          assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
        }).addToPolicy(new PolicyStatement({ actions: ["s3:*"], resources: ["*"] })),
    ],
    ["a queue without redrive or TLS", (stack: Stack) => new Queue(stack, "Planted")],
  ])("stop the synthesis of %s, so they are known to look", (_fault, plant) => {
    const silenced = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const app = stageApp();
    plant(app.node.findChild("pulsegate-dev-stateful") as Stack);
    expect(() => app.synth()).toThrow(/validation/i);
    silenced.mockRestore();
  });

  it("are overruled only here, on the one resource, with a reason", () => {
    const exceptions = stageApp()
      .node.findAll()
      .flatMap((construct) => acknowledgedOn(construct));
    for (const { reason } of exceptions) expect(reason.length).toBeGreaterThan(20);
    const byRule = Map.groupBy(exceptions, ({ rule }) => rule);
    const paths = Object.fromEntries(
      [...byRule].map(([rule, of]) => [rule, of.map(({ path }) => path).toSorted()]),
    );
    const functions = [
      "bury",
      "change-jobs",
      "create-jobs",
      "deliver",
      "manage",
      "read-jobs",
      "system",
    ];
    const everyFunction = functions.map((name) => `stateless/${name}/Function`);
    expect(paths).toEqual({
      "AwsSolutions-APIG4": [
        "stateless/HttpApi/$default",
        "stateless/HttpApi/GET |healthz",
        "stateless/HttpApi/GET |openapi.json",
        "stateless/HttpApi/GET |readyz",
        "stateless/HttpApi/HEAD |healthz",
        "stateless/HttpApi/HEAD |readyz",
      ],
      [anyScheduleOfGroup]: ["bury", "change-jobs", "create-jobs", "deliver"].map(
        (name) => `stateless/${name}/Role`,
      ),
      "Serverless-LambdaDLQ": everyFunction,
      "Serverless-LambdaTracing": everyFunction,
      "Serverless-LambdaEventSourceMappingDestination": [
        "stateless/bury/From-deadLetters",
        "stateless/deliver/From-high",
        "stateless/deliver/From-low",
        "stateless/deliver/From-normal",
      ],
      "Serverless-SQSRedrivePolicy": ["stateful/JobQueues/Parked"],
    });
  });
});

const anyScheduleOfGroup =
  "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:" +
  "schedule/pulsegatedevstateful-Schedules-Group-0E01A088/*]";

function acknowledgedOn({ node }: IConstruct) {
  return node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>))
    .map(([id, reason]) => ({
      rule: id.replace("Annotation::", ""),
      reason,
      path: node.path.replace("pulsegate-dev-", ""),
    }));
}
