/** All queues: three that deliver, the dead letters behind them, and the end of the line. */
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { queues } from "../topology.ts";
import type { Grants, QueueName, QueueTopology } from "../topology.ts";

export interface JobQueuesProps {
  /** Whether queues go when their stack goes; elsewhere they stay, and so do their messages. */
  readonly development: boolean;
  /** The actions that let a role send. @default sqs:SendMessage, which batches need, too */
  readonly sendActions?: readonly string[];
}

/** What Lambda's event source mapping needs (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html). */
const consumerActions = [
  "sqs:ReceiveMessage",
  "sqs:DeleteMessage",
  "sqs:ChangeMessageVisibility",
  "sqs:GetQueueAttributes",
];

export class JobQueues extends Construct {
  /** The variables that carry the queues' URLs, with their values. */
  readonly variables: Readonly<Record<string, string>>;
  readonly #queues = new Map<QueueName, Queue>();
  readonly #development: boolean;
  readonly #sendActions: readonly string[];

  constructor(scope: Construct, id: string, props: JobQueuesProps) {
    super(scope, id);
    this.#development = props.development;
    this.#sendActions = props.sendActions ?? ["sqs:SendMessage"];
    this.variables = Object.fromEntries(
      queueNames.map((name) => [queues[name].urlVariable, this.queue(name).queueUrl]),
    );
  }

  /** The queue of that name; made on first use, since a redrive needs its target first. */
  queue(name: QueueName): Queue {
    const made = this.#queues.get(name);
    if (made) return made;
    const topology = queues[name];
    const queue = new Queue(this, pascalCase(name), {
      visibilityTimeout: Duration.seconds(topology.visibilitySeconds),
      retentionPeriod: Duration.seconds(topology.retentionSeconds),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy: this.#development ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      ...this.#redrive(topology),
    });
    if (!topology.redrive) acknowledgeEndOfTheLine(queue);
    this.#queues.set(name, queue);
    return queue;
  }

  statements(grants: Grants): PolicyStatement[] {
    const allow = (actions: readonly string[], names: readonly QueueName[] = []) =>
      names.length === 0
        ? []
        : [
            new PolicyStatement({
              actions: [...actions],
              resources: names.map((name) => this.queue(name).queueArn),
            }),
          ];
    return [
      ...allow(this.#sendActions, grants.sendTo),
      ...allow(consumerActions, grants.consume),
      ...allow(["sqs:GetQueueAttributes"], grants.inspect),
    ];
  }

  #redrive({ redrive }: QueueTopology) {
    if (!redrive) return {};
    return {
      deadLetterQueue: { queue: this.queue(redrive.to), maxReceiveCount: redrive.maxReceives },
    };
  }
}

const queueNames = Object.keys(queues) as QueueName[];

const pascalCase = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

function acknowledgeEndOfTheLine(queue: Queue): void {
  Validations.of(queue).acknowledge({
    id: "Serverless-SQSRedrivePolicy",
    reason: "Nothing consumes this queue: what comes here has already been received too often.",
  });
}
