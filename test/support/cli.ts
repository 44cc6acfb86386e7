import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../bin/cli.js", import.meta.url));

export interface CliResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `pulsegate …`, as a process of its own. */
export const runCli = async (
  args: readonly string[],
  {
    env = {},
    stdin = "",
    command = [process.execPath, program],
    cwd,
  }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string | Uint8Array;
    readonly command?: readonly string[];
    readonly cwd?: string;
  } = {},
): Promise<CliResult> => {
  const [executable = "", ...first] = command;
  const child = spawn(executable, [...first, ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // One that does not read its input may be gone before it is written.
  child.stdin.on("error", () => undefined).end(stdin);
  const [status] = (await once(child, "close")) as [number];
  return { status, stdout, stderr };
};
