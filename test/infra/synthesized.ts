/**
 * A stage as CloudFormation would get it, without a bundle: a stub stands for the code, so that a
 * template test costs no build.
 */
import { App } from "aws-cdk-lib";
import type { Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Code } from "aws-cdk-lib/aws-lambda";
import cdk from "../../cdk.json" with { type: "json" };
import { addStage } from "../../lib/aws/stack.ts";
import { readStage } from "../../lib/aws/stage.ts";

/** A resource whose properties have the shape that the test reads. */
export interface Resource<Properties> {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties: Properties;
}

/** Synthesizes the stage `name` of cdk.json, or of `stages` in its place. */
export function synthesize(name: string, stages: object = cdk.context.stages) {
  const app = new App({ context: { ...cdk.context, stages, stage: name } });
  const code = Code.fromInline("exports.handler = async () => {}");
  const { stateful, stateless } = addStage(app, readStage(app.node), () => code);
  const deployed = { app, stateful: jsonOf(stateful), stateless: jsonOf(stateless) };
  const resolve = (value: unknown) => referenceOf(value, deployed.stateful);
  return { ...deployed, resolve, resourceOf: (value: unknown) => resolve(value).split(".")[0]! };
}

export type Synthesized = ReturnType<typeof synthesize>;

export interface TemplateJson {
  readonly Resources: Readonly<Record<string, Resource<unknown>>>;
  readonly Outputs: Readonly<Record<string, { Value: unknown; Export?: { Name: string } }>>;
}

const jsonOf = (stack: Stack) => Template.fromStack(stack).toJSON() as TemplateJson;

/** The resources of one type, by logical id. */
export const resourcesOf = <Properties>(template: TemplateJson, type: string) =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type) as [
    id: string,
    Resource<Properties>,
  ][];

export interface FunctionProperties {
  readonly Runtime: string;
  readonly Architectures: readonly string[];
  readonly Timeout: number;
  readonly RecursiveLoop: string;
  readonly ReservedConcurrentExecutions?: number;
  readonly Role: unknown;
  readonly LoggingConfig: { readonly LogGroup: unknown };
  readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
}

/** The functions by name. */
export const functionsOf = ({ stateless }: Synthesized): Map<string, FunctionProperties> =>
  new Map(
    resourcesOf<FunctionProperties>(stateless, "AWS::Lambda::Function").map(
      ([, { Properties }]) => [
        String(Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME),
        Properties,
      ],
    ),
  );

/** A reference as the construct it leads to, without CDK's hash: `JobQueuesHigh`, or its `.Arn`. */
function referenceOf(value: unknown, exporting: TemplateJson): string {
  const reference = value as Record<string, unknown>;
  const imported = reference["Fn::ImportValue"];
  if (imported !== undefined) {
    const output = Object.values(exporting.Outputs).find(({ Export }) => Export?.Name === imported);
    if (!output) throw new Error(`nothing exports ${JSON.stringify(imported)}`);
    return referenceOf(output.Value, exporting);
  }
  const [id, ...attribute] = [reference["Fn::GetAtt"] ?? reference["Ref"]].flat();
  if (typeof id !== "string") throw new Error(`no reference: ${JSON.stringify(value)}`);
  return [id.replace(/[0-9A-F]{8}$/, ""), ...attribute].join(".");
}
