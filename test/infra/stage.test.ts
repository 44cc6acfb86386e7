import { App, Stack } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import cdk from "../../cdk.json" with { type: "json" };
import { readStage } from "../../lib/aws/stage.ts";
import { synthesize } from "./synthesized.ts";

const read = (context: object) => readStage(new App({ context: { ...context } }).node);
const dev = (settings: object) => () => read({ stages: { dev: settings } });

describe("A stage", () => {
  it("is dev unless the deployment names another", () => {
    const stages = { dev: { logLevel: "debug" }, prod: { logLevel: "warn" } };
    expect(read({ stages })).toMatchObject({ name: "dev", logLevel: "debug" });
    expect(read({ stages, stage: "prod" })).toMatchObject({ name: "prod", logLevel: "warn" });
  });

  it("has settings that are safe in the cloud where it says nothing", () => {
    expect(dev({})()).toEqual({
      name: "dev",
      development: false,
      logLevel: "info",
      retentionDays: 30,
      indexShards: 4,
      destinationAllow: [],
      dedupeWindowSeconds: 3600,
      queueCapacity: 0,
      throttle: { requestsPerSecond: 1000, burst: 2000 },
    });
  });

  it("must be one that cdk.json knows, so that a slip of the pen makes no new deployment", () => {
    expect(() => read({ stages: { dev: {}, prod: {} }, stage: "prdo" })).toThrow(
      'stage: "prdo" is not among the stages (dev, prod, local) that cdk.json has',
    );
    expect(() => read({ stages: { dev: {} }, stage: "constructor" })).toThrow("not among");
  });

  it.each([
    [{ logLevel: "verbose" }, "stages.dev.logLevel: "],
    [{ retentionDays: 0 }, "stages.dev.retentionDays: "],
    [{ retentionDays: "30" }, "stages.dev.retentionDays: "],
    [{ indexShards: 1.5 }, "stages.dev.indexShards: "],
    [
      { destinationAllow: ["10.0.0.0/8", "10.0.0.999"] },
      "stages.dev.destinationAllow.1: must be a",
    ],
    [{ destinationAllow: ["10.0.0.0/8,::/0"] }, "stages.dev.destinationAllow.0: must be a"],
    [{ throttle: { burst: 0 } }, "stages.dev.throttle.burst: "],
    [{ maxConcurrency: 1 }, "stages.dev.maxConcurrency: "],
    [{ development: "no" }, "stages.dev.development: "],
    [{ retention: 30 }, 'Unrecognized key: "retention"'],
  ])("is refused with the name of the field that is wrong: %j", (settings, message) => {
    expect(dev(settings)).toThrow(message);
  });

  it("is told every fault at once", () => {
    expect(dev({ logLevel: "loud", indexShards: 0 })).toThrow(
      /^stages\.dev\.logLevel: .+\nstages\.dev\.indexShards: .+$/,
    );
  });

  it.each(["", "Prod", "1st", "a_b", 7])(
    "has a name that CloudFormation takes, not %j",
    (stage) => {
      expect(() => read({ stages: { dev: {} }, stage })).toThrow(/^stage: /);
    },
  );
});

describe("Each stage of cdk.json", () => {
  const stacksOf = (name: string) =>
    synthesize(name).app.node.children.filter((child) => child instanceof Stack);

  it.each(Object.keys(cdk.context.stages))("is two stacks of lasting names: %s", (name) => {
    expect(stacksOf(name).map(({ stackName }) => stackName)).toEqual([
      `pulsegate-${name}-stateful`,
      `pulsegate-${name}-stateless`,
    ]);
  });

  it("guards its data against the deletion of the stack, except in development", () => {
    const guarded = (name: string) =>
      stacksOf(name).map(({ terminationProtection }) => terminationProtection);
    expect(guarded("dev")).toEqual([false, false]);
    expect(guarded("prod")).toEqual([true, false]);
  });
});
