import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleFunctions } from "../../lib/aws/bundle.ts";
import type { Bundle } from "../../lib/aws/bundle.ts";
import { functions } from "../../lib/topology.ts";
import type { FunctionName } from "../../lib/topology.ts";
import { functionsOf, synthesize } from "./synthesized.ts";

const names = Object.keys(functions) as FunctionName[];
const stage = synthesize("dev");

/** In every bundle: middleware, logs, metrics, validation, the clients, and what they bring along. */
const everywhere = [
  "@middy/core",
  "@aws-lambda-powertools/logger",
  "@aws-lambda-powertools/metrics",
  "@aws-lambda-powertools/commons",
  "@aws/lambda-invoke-store",
  "zod",
  "dataloader",
  "lru-cache",
  "ipaddr.js",
  "@aws-sdk/client-dynamodb",
  "@aws-sdk/dynamodb-codec",
  "@aws-sdk/middleware-endpoint-discovery",
  "@aws-sdk/endpoint-cache",
  "mnemonist",
  "obliterator",
  "@aws-sdk/client-scheduler",
  "@aws-sdk/client-sqs",
  "@aws-sdk/middleware-sdk-sqs",
  "@aws-sdk/core",
  "@aws-sdk/credential-provider-env",
  "@smithy/core",
  "@smithy/node-http-handler",
  "@smithy/signature-v4",
  "@smithy/types",
];

/** What each may weigh, in KB, and carry besides: a new package or a jump in size is a decision. */
const budgets: Readonly<Record<FunctionName, { most: number; besides: readonly string[] }>> = {
  "create-jobs": { most: 480, besides: ["@aws-sdk/util-dynamodb"] },
  "read-jobs": { most: 450, besides: ["@aws-sdk/util-dynamodb"] },
  "change-jobs": { most: 445, besides: ["@aws-sdk/util-dynamodb"] },
  manage: { most: 445, besides: ["@aws-sdk/util-dynamodb"] },
  // Of which the API's own description 45.
  system: { most: 462, besides: [] },
  deliver: { most: 475, besides: ["@aws-sdk/util-dynamodb"] },
  bury: { most: 445, besides: ["@aws-sdk/util-dynamodb"] },
};

let folder: string;
let bundles: ReadonlyMap<FunctionName, Bundle>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsegate-bundles-"));
  bundles = await bundleInto("first");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("A bundle", () => {
  it.each(names)("loads in the environment that its function gets: %s", async (name) => {
    const load = `console.log(typeof (await import(${JSON.stringify(fileOf(name))})).handler)`;
    const { stdout, stderr } = await runModule(load, environmentOf(name));
    expect({ stdout, stderr }).toEqual({ stdout: "function\n", stderr: "" });
  });

  it.each(names)("carries what it uses and nothing else: %s", (name) => {
    const { bytes, packages } = bundles.get(name)!;
    const { most, besides } = budgets[name];
    expect(packages).toEqual([...everywhere, ...besides].toSorted());
    expect(Math.ceil(bytes / 1024)).toBeLessThanOrEqual(most);
  });

  it("calls AWS with the credentials that Lambda hands to the function", async () => {
    const calls: IncomingHttpHeaders[] = [];
    const aws = createServer(({ headers }, response) => {
      calls.push(headers);
      response.setHeader("content-type", "application/x-amz-json-1.0").end("{}");
    }).listen(0, "127.0.0.1");
    await once(aws, "listening");
    const endpoint = `http://127.0.0.1:${(aws.address() as AddressInfo).port}`;
    try {
      const answer = await invoke("system", "GET /readyz", endpoint);
      expect(answer).toMatchObject({ statusCode: 200 });
    } finally {
      aws.close();
    }
    expect(calls.map((headers) => String(headers["x-amz-target"])).toSorted()).toEqual([
      ...Array.from({ length: 4 }, () => "AmazonSQS.GetQueueAttributes"),
      "DynamoDB_20120810.GetItem",
      "undefined", // the Scheduler's protocol is REST
    ]);
    for (const headers of calls) {
      expect(headers.authorization).toContain("Credential=AKIDEXAMPLE/");
      expect(headers["x-amz-security-token"]).toBe("session");
    }
  });

  it("is the same, byte for byte, when made again from the same sources", async () => {
    const again = await bundleInto("second");
    for (const name of names) {
      expect(await digest(again.get(name)), name).toEqual(await digest(bundles.get(name)));
    }
  });
});

/** As a module, like Lambda: a plain `node -e` has a global `require`, which hides a missing one. */
const runModule = (script: string, env: Record<string, string>) =>
  promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });

const fileOf = (name: FunctionName) => join(bundles.get(name)!.folder, "index.mjs");

/** Answers what the function answers to a request, its calls to AWS going to `endpoint`. */
async function invoke(name: FunctionName, routeKey: string, endpoint: string): Promise<unknown> {
  const [method, path] = routeKey.split(" ");
  const http = { method, path, sourceIp: "192.0.2.1", protocol: "HTTP/1.1", userAgent: "test" };
  const requestContext = { requestId: "r", routeKey, stage: "$default", timeEpoch: 0, http };
  const event = { version: "2.0", routeKey, rawPath: path, rawQueryString: "", headers: {} };
  const script = `
    const { handler } = await import(${JSON.stringify(fileOf(name))});
    const event = ${JSON.stringify({ ...event, requestContext, isBase64Encoded: false })};
    const context = { awsRequestId: "r", getRemainingTimeInMillis: () => 9000 };
    console.log("\\n" + JSON.stringify(await handler(event, context)));`;
  const environment = { ...environmentOf(name, endpoint), AWS_ENDPOINT_URL: endpoint };
  const { stdout } = await runModule(script, environment);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as unknown;
}

/** The function's variables out of the template, and those that Lambda adds to them. */
function environmentOf(
  name: FunctionName,
  sqsEndpoint = "https://sqs.eu-central-1.amazonaws.com",
): Record<string, string> {
  const { Variables } = functionsOf(stage).get(name)!.Environment;
  const resolved = Object.entries(Variables).map(([variable, value]): [string, string] => [
    variable,
    typeof value === "string" ? value : `${sqsEndpoint}/123456789012/${stage.resourceOf(value)}`,
  ]);
  return {
    ...Object.fromEntries(resolved),
    TABLE_NAME: "JobTable",
    AWS_REGION: "eu-central-1",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_SESSION_TOKEN: "session",
  };
}

async function bundleInto(name: string): Promise<ReadonlyMap<FunctionName, Bundle>> {
  const made = await bundleFunctions(join(folder, name));
  return new Map(made.map((bundle) => [bundle.name, bundle]));
}

async function digest(bundle: Bundle | undefined): Promise<string[]> {
  const files = ["index.mjs", "index.mjs.map"].map((file) => join(bundle!.folder, file));
  const contents = await Promise.all(files.map((file) => readFile(file)));
  return contents.map((bytes) => createHash("sha256").update(bytes).digest("hex"));
}
