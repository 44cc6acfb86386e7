import { describe, expect, it } from "vitest";
import { resourcesOf, synthesize } from "./synthesized.ts";

const stage = synthesize("dev");
const only = <Properties>(of: typeof stage, type: string) => {
  const found = resourcesOf<Properties>(of.stateful, type);
  expect(found).toHaveLength(1);
  return found[0]!;
};
const groupOf = (of: typeof stage) => only<GroupProperties>(of, "AWS::Scheduler::ScheduleGroup");
const roleOf = (of: typeof stage) => only<RoleProperties>(of, "AWS::IAM::Role");

describe("The schedules", () => {
  it("are a group of their own, beside table and queues", () => {
    const [id, group] = groupOf(stage);
    // Another id is another group, without the schedules that lie ahead.
    expect([id, group.Properties.Name]).toEqual([
      "SchedulesGroupD276B6F4",
      "pulsegatedevstateful-Schedules-Group-0E01A088",
    ]);
  });

  it("assume a role that may send to the queues of jobs and their dead letters, and no more", () => {
    const [id, { Properties }] = roleOf(stage);
    // Another id is another role, and schedules that lie ahead name the one they were made with.
    expect(id).toBe("SchedulesRole523D57EE");
    expect(Properties.ManagedPolicyArns).toBeUndefined();
    const statements = Properties.Policies.flatMap(
      ({ PolicyDocument }) => PolicyDocument.Statement,
    );
    expect(statements).toHaveLength(1);
    expect(statements[0]).toMatchObject({ Effect: "Allow", Action: "sqs:SendMessage" });
    expect(statements[0]!.Resource.map(stage.resolve).toSorted()).toEqual([
      "JobQueuesDeadLetters.Arn",
      "JobQueuesHigh.Arn",
      "JobQueuesLow.Arn",
      "JobQueuesNormal.Arn",
    ]);
  });

  it("assume it for this account and this group alone, whoever else asks Scheduler to", () => {
    const [groupId] = groupOf(stage);
    const [, { Properties }] = roleOf(stage);
    expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Action: "sts:AssumeRole",
        Effect: "Allow",
        Principal: { Service: "scheduler.amazonaws.com" },
        Condition: {
          StringEquals: {
            "aws:SourceAccount": { Ref: "AWS::AccountId" },
            "aws:SourceArn": { "Fn::GetAtt": [groupId, "Arn"] },
          },
        },
      },
    ]);
  });

  it("go with their stack in development, and outlive it in production, with their role", () => {
    const kept = synthesize("prod");
    for (const of of [groupOf, roleOf]) {
      expect(of(stage)[1]).toMatchObject({ DeletionPolicy: "Delete" });
      expect(of(kept)[1]).toMatchObject({
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
      });
    }
  });
});

interface GroupProperties {
  readonly Name: string;
}

interface RoleProperties {
  readonly ManagedPolicyArns?: unknown;
  readonly Policies: readonly {
    readonly PolicyDocument: { readonly Statement: readonly { readonly Resource: unknown[] }[] };
  }[];
  readonly AssumeRolePolicyDocument: { readonly Statement: unknown };
}
