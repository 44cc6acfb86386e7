import { describe, expect, it } from "vitest";
import { functionsOf, resourcesOf, synthesize } from "./synthesized.ts";

const stage = synthesize("dev");
const queues = new Map(
  resourcesOf<QueueProperties>(stage.stateful, "AWS::SQS::Queue").map(([id, queue]) => [
    id.replace(/^JobQueues|[0-9A-F]{8}$/g, ""),
    queue,
  ]),
);
const delivery = ["High", "Normal", "Low"];
const fourteenDays = 1_209_600;
const leaseSeconds = 45;

describe("The queues", () => {
  it("are three that deliver, the dead letters, and the end of the line", () => {
    expect([...queues.keys()].toSorted()).toEqual(
      [...delivery, "DeadLetters", "Parked"].toSorted(),
    );
  });

  it.each([...queues])("keep a message 14 days: %s", (_name, { Properties }) => {
    expect(Properties.MessageRetentionPeriod).toBe(fourteenDays);
  });

  it.each([...queues])("are encrypted by SQS: %s", (_name, { Properties }) => {
    expect(Properties.SqsManagedSseEnabled).toBe(true);
  });

  it("refuse whoever comes without TLS, each by a policy of its own", () => {
    const policies = resourcesOf<PolicyProperties>(stage.stateful, "AWS::SQS::QueuePolicy").map(
      ([, { Properties }]) => ({
        of: stage.resourceOf(Properties.Queues[0]),
        statements: Properties.PolicyDocument.Statement,
      }),
    );
    expect(policies.map(({ of }) => of).toSorted()).toEqual(
      [...queues.keys()].map((name) => `JobQueues${name}`).toSorted(),
    );
    for (const { statements } of policies) {
      expect(statements).toEqual([
        expect.objectContaining({
          Effect: "Deny",
          Principal: { AWS: "*" },
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
      ]);
    }
  });

  it.each(delivery)("hand over to the dead letters what was received ten times: %s", (name) => {
    expect(redriveOf(name)).toEqual({ to: "JobQueuesDeadLetters", after: 10 });
  });

  it("park a dead letter only after a day of tries, since parked is forgotten in 14 days", () => {
    expect(redriveOf("DeadLetters")).toEqual({ to: "JobQueuesParked", after: 1_000 });
    expect(redriveOf("Parked")).toBeUndefined();
  });

  it("hide a message until its worker's lease is over and the function cannot be running", () => {
    const timeout = functionsOf(stage).get("deliver")!.Timeout;
    expect(timeout).toBeLessThanOrEqual(leaseSeconds);
    for (const name of delivery) {
      expect(queues.get(name)?.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(
        leaseSeconds + timeout,
      );
    }
  });

  it("hide a dead letter as long as the function that buries it may run", () => {
    expect(queues.get("DeadLetters")?.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(
      functionsOf(stage).get("bury")!.Timeout,
    );
  });

  it("give a dead worker's jobs back in under two minutes", () => {
    for (const name of delivery) {
      expect(queues.get(name)?.Properties.VisibilityTimeout).toBeLessThan(120);
    }
  });

  it.each([...queues])("go with their stack in development: %s", (_name, { DeletionPolicy }) => {
    expect(DeletionPolicy).toBe("Delete");
  });

  it("outlive their stack in production, with the messages in them", () => {
    for (const [, queue] of resourcesOf(synthesize("prod").stateful, "AWS::SQS::Queue")) {
      expect(queue).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    }
  });

  it("keep their logical ids, for another id is another, empty queue", () => {
    expect(
      resourcesOf(stage.stateful, "AWS::SQS::Queue")
        .map(([id]) => id)
        .toSorted(),
    ).toEqual([
      "JobQueuesDeadLetters8D47785F",
      "JobQueuesHigh0811E7BA",
      "JobQueuesLow52AB6747",
      "JobQueuesNormalD00D0037",
      "JobQueuesParked3E8422F1",
    ]);
  });
});

interface QueueProperties {
  readonly MessageRetentionPeriod: number;
  readonly VisibilityTimeout: number;
  readonly SqsManagedSseEnabled: boolean;
  readonly RedrivePolicy?: {
    readonly deadLetterTargetArn: unknown;
    readonly maxReceiveCount: number;
  };
}

interface PolicyProperties {
  readonly Queues: readonly unknown[];
  readonly PolicyDocument: { readonly Statement: readonly unknown[] };
}

function redriveOf(name: string) {
  const policy = queues.get(name)?.Properties.RedrivePolicy;
  return (
    policy && {
      to: stage.resourceOf(policy.deadLetterTargetArn),
      after: policy.maxReceiveCount,
    }
  );
}
