import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const MIN_PYTHON = [3, 10] as const;

/**
 * A program from PyPI, in an environment of its own under node_modules: nothing is installed beside
 * it. Returns the folder of its programs.
 *
 * @throws Error that says what is missing, if there is no Python 3.10 with venv or no package
 */
export const installPythonTool = (name: string, version: string): string => {
  const home = join(root, "node_modules/.cache", `${name}-${version}`);
  const bin = join(home, "bin");
  if (existsSync(join(bin, name))) return bin;
  const fault =
    pythonFault() ??
    faultOf("python3", "-m", "venv", home) ??
    faultOf(join(bin, "pip"), "install", "--quiet", `${name}==${version}`);
  if (fault === undefined) return bin;
  // Half an installation would pass for a whole one the next time.
  rmSync(home, { recursive: true, force: true });
  throw new Error(`${name} ${version} cannot be installed: ${fault}`);
};

/** Why this Python will not do. */
const pythonFault = (): string | undefined => {
  const takes = `it takes Python ${MIN_PYTHON.join(".")} or later, with venv`;
  const { status, stdout } = spawnSync("python3", ["--version"], { encoding: "utf8" });
  if (status !== 0) return `${takes}, and there is no python3`;
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  const isOld =
    Number(major) < MIN_PYTHON[0] ||
    (Number(major) === MIN_PYTHON[0] && Number(minor) < MIN_PYTHON[1]);
  return isOld ? `${takes}, and this is ${stdout.trim()}` : undefined;
};

/** What a command that failed says of it. */
const faultOf = (command: string, ...args: readonly string[]): string | undefined => {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return undefined;
  const said = error?.message ?? `${stdout}${stderr}`.trim();
  return `\`${[command, ...args].join(" ")}\` failed: ${said}`;
};
