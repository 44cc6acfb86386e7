import { readFileSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { bootstrap, deployStage } from "../../lib/aws/deploy.ts";
import { LOCAL_ACCOUNT, LOCAL_STAGE, localEnvironment } from "../../lib/aws/local-stage.ts";
import { startMiniStack } from "./ministack.ts";
import { startSigningProxy } from "./signing-proxy.ts";

/** A deployment under test: where it answers, and what it consists of. */
export interface Deployment {
  /** What every call to the server needs. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its API, to which nobody signs anything. */
  readonly unsignedUrl: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** The server's process, if it is one of ours; its children are the functions. */
  readonly serverPid: number | undefined;
}

declare module "vitest" {
  export interface ProvidedContext {
    deployment: Deployment;
  }
}

/**
 * Deploys the very templates that AWS would get, to the server that AWS_ENDPOINT_URL names, or else
 * to a MiniStack of our own that asks for TLS, signatures and policies as AWS does.
 */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const given = process.env["AWS_ENDPOINT_URL"];
  const server = given === undefined ? await startMiniStack({ strict: true }) : undefined;
  const environment = server?.environment ?? localEnvironment(process.env);
  const region = environment["AWS_REGION"] ?? "";
  try {
    const all = { ...process.env, ...environment };
    await bootstrap(LOCAL_ACCOUNT, region, all);
    const deployed = await deployStage(LOCAL_STAGE, all, ["--require-approval", "never"]);
    const certificate = all.NODE_EXTRA_CA_CERTS;
    const proxy = await startSigningProxy(deployed.apiUrl, {
      region,
      ca: certificate === undefined ? undefined : readFileSync(certificate, "utf8"),
    });
    project.provide("baseUrl", proxy.url);
    project.provide("deployment", {
      environment,
      unsignedUrl: deployed.apiUrl,
      outputs: deployed.stateful,
      serverPid: server?.pid,
    });
    return async () => {
      await proxy.stop();
      await server?.stop();
    };
  } catch (error) {
    if (server !== undefined) console.error(server.output());
    await server?.stop();
    throw error;
  }
};
