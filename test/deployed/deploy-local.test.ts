import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startMiniStack } from "../support/ministack.ts";
import type { MiniStack } from "../support/ministack.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

/** What localstack.yml gives the server, with every variable left out. */
const composed = (): Record<string, string> => {
  const file = parse(readFileSync("localstack.yml", "utf8")) as {
    services: { aws: { environment: Record<string, string> } };
  };
  return Object.fromEntries(
    Object.entries(file.services.aws.environment).map(([name, value]) => [
      name,
      value.replace(/\$\{\w+:-(.*?)\}/, "$1"),
    ]),
  );
};

const run = async (command: string, environment: Record<string, string>): Promise<string> => {
  const child = spawn("bash", ["-c", command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let [output, progress] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (progress += chunk.toString()));
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${progress}`);
  return output;
};

/** The README's call to a deployment: the shell block that signs. */
const readmeCall = (): string =>
  /```sh\n(curl --aws-sigv4[^`]+)```/.exec(readFileSync("README.md", "utf8"))?.[1] ??
  expect.fail("the README has no signed call");

let server: MiniStack;
let receiver: Receiver;

beforeAll(async () => {
  server = await startMiniStack({ strict: false, environment: composed() });
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.stop();
  await server.stop();
});

describe("npm run deploy:local, on a server as localstack.yml starts it", () => {
  it("prints an address, at which the README's call makes a job that is delivered", async () => {
    const { AWS_ENDPOINT_URL = "" } = server.environment;
    const printed = await run("npm run --silent deploy:local", { AWS_ENDPOINT_URL });
    const url = /answers at (\S+)/.exec(printed)?.[1] ?? expect.fail(printed);
    expect(JSON.parse(await run(`curl -s ${url}/readyz`, {}))).toEqual({ status: "ready" });

    const call = readmeCall().replace("https://example.com/hook", receiver.url);
    const answer = await run(call.replace("curl ", "curl -s "), { URL: url });
    const { id, status } = JSON.parse(answer) as { id: string; status: string };
    expect(status).toBe("queued");
    await eventually("it is delivered", () => receiver.of(id)[0]);
  });
});
