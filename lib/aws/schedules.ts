/**
 * The group of one-time schedules, and the role that they assume. Both are stateful: a schedule that
 * lies a year ahead names its role, and goes with its group.
 */
import { Aws, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { ScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";
import { queues as queueTopologies, schedules } from "../topology.ts";
import type { Grants } from "../topology.ts";
import type { JobQueues } from "./job-queues.ts";

export interface SchedulesProps {
  /** Whether the group goes when its stack goes; elsewhere it stays, and so do its schedules. */
  readonly development: boolean;
  readonly queues: JobQueues;
  /** Groups beside our own whose schedules a role may change. @default none */
  readonly alsoGroups?: readonly string[];
}

const SERVICE = "scheduler.amazonaws.com";

export class Schedules extends Construct {
  /** The variables of whoever makes schedules, with their values. */
  readonly variables: Readonly<Record<string, string>>;
  readonly #group: ScheduleGroup;
  readonly #role: Role;
  readonly #alsoGroups: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    { development, queues, alsoGroups = [] }: SchedulesProps,
  ) {
    super(scope, id);
    this.#alsoGroups = alsoGroups;
    const removalPolicy = development ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    const targets = [...schedules.sendTo, schedules.deadLetters];
    this.#group = new ScheduleGroup(this, "Group", { removalPolicy });
    this.#role = new Role(this, "Role", {
      // For schedules of this group alone: else anybody's schedule could send in our name
      // (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html).
      assumedBy: new ServicePrincipal(SERVICE, {
        conditions: {
          StringEquals: {
            "aws:SourceAccount": Aws.ACCOUNT_ID,
            "aws:SourceArn": this.#group.scheduleGroupArn,
          },
        },
      }),
      inlinePolicies: {
        send: new PolicyDocument({
          statements: [
            new PolicyStatement({
              actions: ["sqs:SendMessage"],
              resources: targets.map((name) => queues.queue(name).queueArn),
            }),
          ],
        }),
      },
    });
    this.#role.applyRemovalPolicy(removalPolicy);
    this.variables = {
      [schedules.groupVariable]: this.#group.scheduleGroupName,
      [schedules.roleVariable]: this.#role.roleArn,
      ...Object.fromEntries(
        targets.map((name) => [queueTopologies[name].arnVariable, queues.queue(name).queueArn]),
      ),
    };
  }

  statements({ schedule, inspectSchedules }: Grants): PolicyStatement[] {
    return [
      ...(schedule ? [this.#changeSchedules(), this.#passRole()] : []),
      ...(inspectSchedules ? [this.#inspectGroup()] : []),
    ];
  }

  /** Explains the one wildcard in what `statements` grants to a role. */
  acknowledge(role: Role, { schedule }: Grants): void {
    if (!schedule) return;
    for (const group of this.#groups()) {
      const anyOfGroup = `arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/${group}/*`;
      Validations.of(role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${anyOfGroup}]`,
        reason: "Schedules are named by a hash of their message; the group is theirs alone.",
      });
    }
  }

  #groups = () => [this.#group.scheduleGroupName, ...this.#alsoGroups];

  #changeSchedules = () =>
    new PolicyStatement({
      actions: ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"],
      resources: this.#groups().map((group) =>
        Stack.of(this).formatArn({
          service: "scheduler",
          resource: "schedule",
          resourceName: `${group}/*`,
        }),
      ),
    });

  #passRole = () =>
    new PolicyStatement({
      actions: ["iam:PassRole"],
      resources: [this.#role.roleArn],
      conditions: { StringEquals: { "iam:PassedToService": SERVICE } },
    });

  #inspectGroup = () =>
    new PolicyStatement({
      actions: ["scheduler:GetScheduleGroup"],
      resources: [this.#group.scheduleGroupArn],
    });
}
