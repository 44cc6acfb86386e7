import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Agent } from "node:https";
import { describe, expect, inject } from "vitest";
import { describeConformance } from "../conformance/describe-conformance.ts";
import { aSchedule } from "../support/schedules.ts";
import { signerFor } from "../support/signed-call.ts";

const { environment, outputs, serverPid } = inject("deployment");
/** Only a server of ours is known to ask policies, and by which certificate. */
const isOurs = serverPid !== undefined;
const endpoint = new URL(environment["AWS_ENDPOINT_URL"] ?? "");
const region = environment["AWS_REGION"] ?? "";
const ca = isOurs ? readFileSync(environment["NODE_EXTRA_CA_CERTS"] ?? "") : undefined;

/** A call of IAM's or STS's query protocol; the answer is XML. */
const query = async (service: string, parameters: Record<string, string>): Promise<string> => {
  const body = new URLSearchParams({ Version: "2010-05-08", ...parameters }).toString();
  const signed = await signerFor(service, region, {
    accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
  }).sign({
    method: "POST",
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    path: "/",
    headers: { host: endpoint.host, "content-type": "application/x-www-form-urlencoded" },
    body,
  });
  return new Promise((resolve, reject) => {
    const call = request(
      endpoint,
      { method: "POST", ...(ca ? { ca } : {}), headers: signed.headers },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("end", () =>
          answer.statusCode === 200 ? resolve(text) : reject(new Error(`${service}: ${text}`)),
        );
      },
    );
    call.on("error", reject).end(body);
  });
};

/** Clients that act in a role which may do no more than this. */
const clientsThatMay = async (Action: string, Resource: string) => {
  const RoleName = `policies-${randomUUID()}`;
  const allow = (statement: object) =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
  const role = await query("iam", {
    Action: "CreateRole",
    RoleName,
    AssumeRolePolicyDocument: allow({ Principal: { AWS: "*" }, Action: "sts:AssumeRole" }),
  });
  await query("iam", {
    Action: "PutRolePolicy",
    RoleName,
    PolicyName: "access",
    PolicyDocument: allow({ Action, Resource }),
  });
  const RoleArn = /<Arn>(.+?)<\/Arn>/.exec(role)?.[1] ?? "";
  const session = await query("sts", {
    Version: "2011-06-15",
    Action: "AssumeRole",
    RoleArn,
    RoleSessionName: "policies",
  });
  const of = (name: string) => new RegExp(`<${name}>(.+?)</${name}>`).exec(session)?.[1] ?? "";
  const options = {
    region,
    endpoint: endpoint.href,
    requestHandler: { httpsAgent: new Agent(ca ? { ca } : {}) },
    credentials: {
      accessKeyId: of("AccessKeyId"),
      secretAccessKey: of("SecretAccessKey"),
      sessionToken: of("SessionToken"),
    },
  };
  return {
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
    scheduler: new SchedulerClient(options),
  };
};

// The queue of what cannot be read: nobody looks at it.
const QueueUrl = outputs["QueueUrlParked"];
const GroupName = outputs["ScheduleGroup"] ?? "";

const policies = () =>
  describeConformance("Policies", "MiniStack", (state) => {
    state("refuses what no policy allows", async () => {
      const { sqs } = await clientsThatMay("sqs:ReceiveMessage", "*");
      const send = sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
      await expect(send).rejects.toThrow(/not authorized/);
    });

    state("lets whoever may send a message send one", async () => {
      const { sqs } = await clientsThatMay("sqs:SendMessage", "*");
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    });

    state("lets whoever may send a message send several at once", async () => {
      const { sqs } = await clientsThatMay("sqs:SendMessage", "*");
      const Entries = ["a", "b"].map((Id) => ({ Id, MessageBody: Id }));
      await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    });

    state("lets whoever may make schedules in a group make one there", async () => {
      const arn = `arn:aws:scheduler:${region}:000000000000:schedule/${GroupName}/*`;
      const { scheduler } = await clientsThatMay("scheduler:CreateSchedule", arn);
      const inAYear = Date.now() + 365 * 24 * 3_600_000;
      await scheduler.send(
        new CreateScheduleCommand(aSchedule(`policies-${randomUUID()}`, inAYear, { GroupName })),
      );
    });
  });

describe.skipIf(!isOurs)("a role", policies);
