/** The CDK app: bundles the functions and deploys them as one stage (`--context stage=<name>`). */
import { App } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { bundleFunctions } from "../lib/aws/bundle.ts";
import { LOCAL_STAGE, refusalOfLocalStage } from "../lib/aws/local-stage.ts";
import { addStage } from "../lib/aws/stack.ts";
import { readStage, StageError } from "../lib/aws/stage.ts";

try {
  const app = new App();
  const stage = readStage(app.node);
  const refusal = stage.name === LOCAL_STAGE ? refusalOfLocalStage(process.env) : undefined;
  if (refusal !== undefined) throw new StageError(refusal);
  const bundles = new Map((await bundleFunctions()).map(({ name, folder }) => [name, folder]));
  addStage(app, stage, (name) => Code.fromAsset(bundles.get(name)!));
  app.synth();
} catch (error) {
  if (!(error instanceof StageError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
