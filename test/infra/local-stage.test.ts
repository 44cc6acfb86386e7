import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { localScheduleGroups, localSendActions, localStage } from "../../lib/aws/local-stage.ts";
import { functionsOf, synthesize } from "./synthesized.ts";

const stages = { dev: { development: true } };
const local = synthesize("local", stages);
const dev = synthesize("dev", stages);

/** A template without the stage's name, and what is made of it. */
const unnamed = (template: object): object =>
  JSON.parse(
    JSON.stringify(template)
      .replaceAll(/pulsegate(local|dev)stateful-Schedules-Group-[0-9A-F]{8}/g, "group")
      .replaceAll(/(pulsegate-|PulseGate )(local|dev)/g, "$1stage"),
  ) as object;

/** The same without what the local stage says that it changes. */
const undone = (template: object): object =>
  JSON.parse(JSON.stringify(template), (key, value: unknown) => {
    if (key === "DESTINATION_ALLOW" && value === localStage.destinationAllow.join(",")) return "";
    if (key === "Action" && JSON.stringify(value) === JSON.stringify(localSendActions)) {
      return "sqs:SendMessage";
    }
    if (key !== "Resource" || !Array.isArray(value)) return value;
    const own = value.filter(
      (arn) =>
        !localScheduleGroups.some((name) => JSON.stringify(arn).includes(`:schedule/${name}/*`)),
    );
    return own.length === 1 ? (own[0] as unknown) : own;
  }) as object;

describe("The stage for local servers", () => {
  it("has the very table, queues and schedules that any stage has", () => {
    expect(unnamed(local.stateful)).toEqual(unnamed(dev.stateful));
  });

  it("changes nothing in the functions and their API but what it says that it changes", () => {
    expect(undone(unnamed(local.stateless))).toEqual(unnamed(dev.stateless));
    expect(unnamed(local.stateless)).not.toEqual(unnamed(dev.stateless));
  });

  it("lets jobs go to the machine that it runs on", () => {
    const deliver = functionsOf(local).get("deliver");
    expect(deliver?.Environment.Variables["DESTINATION_ALLOW"]).toContain("127.0.0.0/8");
  });

  it("is never deployed to AWS itself, where loopback is the function's own", () => {
    const synth = (environment: Record<string, string>) => {
      try {
        return execFileSync(process.execPath, ["bin/pulsegate.ts"], {
          encoding: "utf8",
          stdio: "pipe",
          env: {
            ...process.env,
            CDK_CONTEXT_JSON: JSON.stringify({ stage: "local" }),
            AWS_ENDPOINT_URL: "",
            ...environment,
          },
        });
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    expect(synth({})).toBe(
      'stage: "local" is for local servers, and AWS_ENDPOINT_URL names none\n',
    );
  });
});
