import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

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
  try {
    must("python3", "-c", "import sys; sys.exit(sys.version_info < (3, 10))");
    must("python3", "-m", "venv", home);
    must(join(bin, "pip"), "install", "--quiet", `${name}==${version}`);
  } catch (cause) {
    // Half an installation would pass for a whole one the next time.
    rmSync(home, { recursive: true, force: true });
    throw new Error(
      `${name} ${version} cannot be installed: it takes Python 3.10 or later, with venv`,
      { cause },
    );
  }
  return bin;
};

const must = (command: string, ...args: readonly string[]): void => {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? status}`);
};
