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
    [{ logLevel: "verbose" }, "stages.dev.logLevel: must be one of debug, info, warn, error"],
    [{ retentionDays: 0 }, "stages.dev.retentionDays: must be at least 1"],
    [{ retentionDays: 3651 }, "stages.dev.retentionDays: must be at most 3650"],
    [{ retentionDays: "30" }, "stages.dev.retentionDays: must be a number"],
    [{ indexShards: 1.5 }, "stages.dev.indexShards: must be a whole number"],
    [
      { destinationAllow: ["10.0.0.0/8", "10.0.0.999"] },
      "stages.dev.destinationAllow.1: must be a host, an address, or an address range such as 10.0.0.0/8",
    ],
    [
      { destinationAllow: ["10.0.0.0/8,::/0"] },
      "stages.dev.destinationAllow.0: must be a host, an address, or an address range such as 10.0.0.0/8",
    ],
    [{ destinationAllow: "10.0.0.0/8" }, "stages.dev.destinationAllow: must be an array"],
    [{ throttle: { burst: 0 } }, "stages.dev.throttle.burst: must be at least 1"],
    [{ maxConcurrency: 1 }, "stages.dev.maxConcurrency: must be at least 2"],
    [{ development: "no" }, "stages.dev.development: must be true or false"],
    [{ retention: 30 }, "stages.dev: has unknown fields: retention"],
    [
      { dedupeWindowSeconds: 86_401, retentionDays: 1 },
      "stages.dev.dedupeWindowSeconds: must be at most 86400, the seconds of retentionDays: a key would outlive its job",
    ],
  ])(
    "is refused with the name of the field, and what is wrong with it: %j",
    (settings, message) => {
      expect(dev(settings)).toThrow(new Error(message));
    },
  );

  it("may hold a dedupe key for just as long as its job is kept", () => {
    expect(dev({ dedupeWindowSeconds: 86_400, retentionDays: 1 })()).toMatchObject({
      dedupeWindowSeconds: 86_400,
    });
  });

  it.each([
    [[], "stages: must be an object"],
    [{ dev: 7 }, "stages.dev: must be an object"],
    [{ dev: {}, Prod: {} }, "stages.Prod: is no name of a stage"],
  ])("stands in an object of stages, and not in %j", (stages, message) => {
    expect(() => read({ stages })).toThrow(new Error(message));
  });

  it("is told every fault at once", () => {
    expect(dev({ logLevel: "loud", indexShards: 0 })).toThrow(
      /^stages\.dev\.logLevel: .+\nstages\.dev\.indexShards: .+$/,
    );
  });

  it.each(["", "Prod", "1st", "a_b", 7])(
    "has a name that CloudFormation takes, not %j",
    (stage) => {
      expect(() => read({ stages: { dev: {} }, stage })).toThrow(/^stage: must be a /);
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
