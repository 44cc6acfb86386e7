import { describe, expect, it } from "vitest";
import { functionsOf, resourcesOf, synthesize } from "./synthesized.ts";

const stage = synthesize("dev");
const functions = functionsOf(stage);

const [[, group] = []] = resourcesOf<{ readonly Name: string }>(
  stage.stateful,
  "AWS::Scheduler::ScheduleGroup",
);
const groupName = group?.Properties.Name;

const sendsJobs = ["High", "Low", "Normal"].map((queue) => `sqs:SendMessage JobQueues${queue}`);
const consumes = (queue: string) =>
  ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"].map(
    (action) => `sqs:${action} JobQueues${queue}`,
  );
const schedules = [
  "scheduler:CreateSchedule any schedule of SchedulesGroup",
  "scheduler:DeleteSchedule any schedule of SchedulesGroup",
  "iam:PassRole SchedulesRole if to scheduler.amazonaws.com",
];
const logs = (name: string) =>
  ["CreateLogStream", "PutLogEvents"].map((action) => `logs:${action} ${name}Logs`);

/** Said here once more on purpose, not read from the topology: a grant that widens shows. */
const expected: Readonly<Record<string, readonly string[]>> = {
  "create-jobs": [
    "dynamodb:GetItem JobTable if key JOB#* or DEDUPE#*",
    "dynamodb:PutItem JobTable if key JOB#* or DEDUPE#*",
    "dynamodb:UpdateItem JobTable if key JOB#* or DEDUPE#*",
    "dynamodb:GetItem JobTable if key BUCKET#*",
    "dynamodb:UpdateItem JobTable if key BUCKET#*",
    ...sendsJobs,
    ...["High", "Low", "Normal"].map((queue) => `sqs:GetQueueAttributes JobQueues${queue}`),
    ...schedules,
    ...logs("createjobs"),
  ],
  "read-jobs": [
    "dynamodb:GetItem JobTable if key JOB#* or SECRET#*",
    "dynamodb:BatchGetItem JobTable if key JOB#* or SECRET#*",
    "dynamodb:Query JobTable if key JOB#* or SECRET#*",
    "dynamodb:PutItem JobTable if key JOB#* or SECRET#*",
    "dynamodb:Query JobTable index by_tenant",
    "dynamodb:Query JobTable index needs_attention",
    ...logs("readjobs"),
  ],
  "change-jobs": [
    "dynamodb:GetItem JobTable if key JOB#* or DEDUPE#*",
    "dynamodb:Query JobTable if key JOB#* or DEDUPE#*",
    "dynamodb:UpdateItem JobTable if key JOB#* or DEDUPE#*",
    "dynamodb:DeleteItem JobTable if key JOB#* or DEDUPE#*",
    ...sendsJobs,
    ...schedules,
    ...logs("changejobs"),
  ],
  manage: [
    "dynamodb:GetItem JobTable if key SIGNING#*",
    "dynamodb:PutItem JobTable if key SIGNING#*",
    ...logs("manage"),
  ],
  system: [
    "dynamodb:GetItem JobTable if key READY#*",
    "sqs:GetQueueAttributes JobQueuesHigh",
    "sqs:GetQueueAttributes JobQueuesNormal",
    "sqs:GetQueueAttributes JobQueuesLow",
    "sqs:GetQueueAttributes JobQueuesDeadLetters",
    "scheduler:GetScheduleGroup SchedulesGroup",
    ...logs("system"),
  ],
  deliver: [
    "dynamodb:GetItem JobTable if key SIGNING#*",
    "dynamodb:UpdateItem JobTable if key BUCKET#*",
    "dynamodb:GetItem JobTable if key HOLD#*",
    "dynamodb:UpdateItem JobTable if key HOLD#*",
    "dynamodb:GetItem JobTable if key JOB#*",
    "dynamodb:PutItem JobTable if key JOB#*",
    "dynamodb:UpdateItem JobTable if key JOB#*",
    ...sendsJobs,
    ...["High", "Normal", "Low"].flatMap(consumes),
    ...schedules,
    ...logs("deliver"),
  ],
  bury: [
    "dynamodb:GetItem JobTable if key JOB#*",
    "dynamodb:PutItem JobTable if key JOB#*",
    "dynamodb:UpdateItem JobTable if key JOB#*",
    ...sendsJobs,
    ...consumes("DeadLetters"),
    ...schedules,
    ...logs("bury"),
  ],
};

describe("A function's permissions", () => {
  it("are known for every function", () => {
    expect([...functions.keys()].toSorted()).toEqual(Object.keys(expected).toSorted());
  });

  it.each(Object.entries(expected))("are exactly those that it needs: %s", (name, permissions) => {
    expect(permissionsOf(name)).toEqual([...permissions].toSorted());
  });

  it("come from a role of its own, written into it and nowhere else", () => {
    const roles = resourcesOf<Role>(stage.stateless, "AWS::IAM::Role");
    expect(roles).toHaveLength(functions.size);
    for (const [, { Properties }] of roles) {
      expect(Properties.ManagedPolicyArns).toBeUndefined();
      expect(Properties.PermissionsBoundary).toBeUndefined();
      expect(Properties.Policies).toHaveLength(1);
      expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
        {
          Action: "sts:AssumeRole",
          Effect: "Allow",
          Principal: { Service: "lambda.amazonaws.com" },
        },
      ]);
    }
    const used = [...functions.values()].map(({ Role }) => stage.resourceOf(Role));
    expect(new Set(used).size).toBe(functions.size);
  });

  it("are granted by no other kind of policy, in either stack", () => {
    const types = [stage.stateful, stage.stateless].flatMap(({ Resources }) =>
      Object.values(Resources).map(({ Type }) => Type),
    );
    expect(
      types.filter((type) => type.startsWith("AWS::IAM::") && type !== "AWS::IAM::Role"),
    ).toEqual([]);
  });

  it("name no action and no resource by a wildcard, but for the schedules of the one group", () => {
    const granted = [stage.stateful, stage.stateless]
      .flatMap(({ Resources }) => statementsIn(Resources))
      .filter(({ Effect }) => Effect !== "Deny");
    expect(granted.length).toBeGreaterThan(functions.size);
    for (const { Action, NotAction, Resource, NotResource, Principal } of granted) {
      expect(NotAction ?? NotResource).toBeUndefined();
      const resources = [Resource ?? []].flat().filter((one) => !isAnyScheduleOfGroup(one));
      expect(JSON.stringify([Action, resources, Principal ?? ""])).not.toContain("*");
    }
  });
});

describe("Who may invoke a function", () => {
  it("is this API's gateway alone", () => {
    const permissions = resourcesOf<Permission>(stage.stateless, "AWS::Lambda::Permission");
    expect(permissions).not.toEqual([]);
    for (const [, { Properties }] of permissions) {
      expect(Properties).toMatchObject({
        Action: "lambda:InvokeFunction",
        Principal: "apigateway.amazonaws.com",
      });
      expect(JSON.stringify(Properties.SourceArn)).toContain(":execute-api:");
      expect(JSON.stringify(Properties.SourceArn)).toMatch(/{"Ref":"HttpApi[0-9A-F]{8}"},"\/\*\//);
    }
  });

  it("is nobody by way of a function URL", () => {
    expect(resourcesOf(stage.stateless, "AWS::Lambda::Url")).toEqual([]);
  });
});

interface Role {
  readonly ManagedPolicyArns?: unknown;
  readonly PermissionsBoundary?: unknown;
  readonly Policies: readonly unknown[];
  readonly AssumeRolePolicyDocument: { readonly Statement: unknown };
}

interface Permission {
  readonly SourceArn: unknown;
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Record<string, Record<string, string | string[]>>;
}

/** Every permission of a function as `action resource`, with the keys that it is bound to. */
function permissionsOf(name: string): string[] {
  const role = stage.resourceOf(functions.get(name)!.Role);
  const statements = resourcesOf(stage.stateless, "AWS::IAM::Role")
    .filter(([id]) => id.startsWith(role))
    .flatMap(([, { Properties }]) => statementsIn(Properties));
  return statements
    .filter(({ Principal }) => Principal === undefined)
    .flatMap(({ Effect, Action, Resource, Condition }) => {
      expect(Effect).toBe("Allow");
      const { "ForAllValues:StringLike": keys, StringEquals: passed, ...others } = Condition ?? {};
      expect(others).toEqual({});
      const bound =
        (keys ? ` if key ${[keys["dynamodb:LeadingKeys"]].flat().join(" or ")}` : "") +
        (passed ? ` if to ${[passed["iam:PassedToService"]].flat().join(" or ")}` : "");
      return [Action]
        .flat()
        .flatMap((action) =>
          [Resource].flat().map((resource) => `${action} ${byArn(resource)}${bound}`),
        );
    })
    .toSorted();
}

/** The ARN of every schedule in the group of this stage. */
function isAnyScheduleOfGroup(resource: unknown): boolean {
  const text = JSON.stringify(resource);
  return text.endsWith(`:schedule/${groupName}/*"]]}`) && text.split("*").length === 2;
}

function byArn(resource: unknown): string {
  if (isAnyScheduleOfGroup(resource)) return "any schedule of SchedulesGroup";
  const joined = (resource as { "Fn::Join"?: [string, [unknown, string]] })["Fn::Join"]?.[1];
  const index = /^\/index\/(\w+)$/.exec(joined?.[1] ?? "")?.[1];
  if (joined && index !== undefined) return `${byArn(joined[0])} index ${index}`;
  const reference = stage.resolve(resource);
  expect(reference).toMatch(/\.Arn$/);
  return reference.replace(/\.Arn$/, "");
}

/** The statements of all policy documents, however deep they stand. */
function statementsIn(value: unknown): Statement[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "Statement" ? (inner as Statement[]) : statementsIn(inner),
  );
}
