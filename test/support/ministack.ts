import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { installPythonTool } from "./python-tool.ts";

/**
 * MiniStack: many of AWS's services in one Python process, without Docker. Its own faults have
 * hidden others before: look at docs/emulators.md when the version changes.
 *
 * @see https://pypi.org/project/ministack/
 */
const VERSION = "1.5.33";

/** Makes ready for a strict one. @throws Error that says what this machine lacks */
export const prepareMiniStack = (): void => {
  installPythonTool("ministack", VERSION);
  const { status } = spawnSync("openssl", ["version"]);
  if (status !== 0) throw new Error("MiniStack takes a certificate, and there is no openssl");
};

export interface MiniStack {
  readonly endpoint: string;
  readonly pid: number;
  /** What an SDK, or the CDK, needs to talk to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly output: () => string;
  /** Ends it and the functions that it runs, and removes what it wrote. */
  stop(): Promise<void>;
}

/**
 * Starts it on loopback. `strict`: as AWS, only requests over TLS that are signed and that a policy
 * allows. Else over plain HTTP, to whoever asks.
 */
export const startMiniStack = async ({
  strict,
  environment: more = {},
}: {
  readonly strict: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}): Promise<MiniStack> => {
  const bin = installPythonTool("ministack", VERSION);
  const folder = await mkdtemp(join(tmpdir(), "pulsegate-ministack-"));
  const port = await freePort();
  const certificate = strict ? makeCertificate(folder) : undefined;
  const child = spawn(join(bin, "ministack"), [], {
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that its functions' processes end with it.
    detached: true,
    env: {
      HOME: folder,
      TMPDIR: folder,
      LANG: "C.UTF-8",
      // Functions run under the Node that stands first.
      PATH: [nodeBin, process.env["PATH"]].join(delimiter),
      ...more,
      GATEWAY_PORT: String(port),
      BIND_HOST: "127.0.0.1",
      // Both would listen on every interface.
      IOT_MTLS_ENABLED: "0",
      SFTP_ENABLED: "0",
      ...(certificate === undefined
        ? {}
        : {
            AUTH: "true",
            USE_SSL: "1",
            MINISTACK_SSL_CERT: certificate.certificate,
            MINISTACK_SSL_KEY: certificate.key,
            NODE_EXTRA_CA_CERTS: certificate.certificate,
          }),
    },
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, "exit");
  const ended = exit.then(([code, signal]) => `${code ?? signal}`);
  const pid = child.pid ?? 0;
  const kill = () => {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  };
  // Also where whoever started it ends without a stop: a group of its own would outlive it.
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await exit;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await eventually("MiniStack is ready", async () => {
      if (text.includes("Running on")) return true;
      const status = await Promise.race([ended, Promise.resolve(undefined)]);
      if (status !== undefined) throw new Error(`MiniStack ended with ${status}: ${text}`);
      return undefined;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: `${strict ? "https" : "http"}://127.0.0.1:${port}`,
    pid,
    environment: {
      AWS_ENDPOINT_URL: `${strict ? "https" : "http"}://127.0.0.1:${port}`,
      AWS_REGION: "us-east-1",
      // The CDK keeps the account of an access key in the home folder: one that no other server has.
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      ...(certificate === undefined
        ? {}
        : {
            AWS_CA_BUNDLE: certificate.certificate,
            NODE_EXTRA_CA_CERTS: certificate.certificate,
          }),
    },
    output: () => text,
    stop,
  };
};

const nodeBin = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

/** A certificate for 127.0.0.1 that signs itself. @throws Error if there is no openssl */
const makeCertificate = (folder: string) => {
  const [certificate, key] = [join(folder, "server.crt"), join(folder, "server.key")];
  const { status, error, stderr } = spawnSync("openssl", [
    ..."req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost".split(" "),
    "-addext",
    "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "-keyout",
    key,
    "-out",
    certificate,
  ]);
  if (status !== 0) {
    throw new Error(`openssl makes no certificate: ${error?.message ?? stderr.toString()}`);
  }
  return { certificate, key };
};
