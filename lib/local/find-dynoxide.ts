import { accessSync, constants, statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";

interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** As in `$PATH`. */
  readonly path: string;
}

const thisMachine = (): Machine => ({
  platform: process.platform,
  arch: process.arch,
  path: process.env.PATH ?? "",
});

/**
 * Where the embedded table's program is: what the user said, else the package that npm installed
 * for this platform, else the PATH. npm leaves the package out on platforms that the lockfile does
 * not know, so the last resort is a line that says what to do.
 */
export function findDynoxide(dynoxideBin?: string, machine: Machine = thisMachine()): string {
  if (dynoxideBin !== undefined && dynoxideBin !== "") {
    if (isExecutable(dynoxideBin)) return resolve(dynoxideBin);
    throw new Error(`DYNOXIDE_BIN is ${dynoxideBin}, which is no program that can be run`);
  }
  const found = [packaged(machine), ...onPath(machine)].find(
    (file) => file !== undefined && isExecutable(file),
  );
  if (found !== undefined) return found;
  throw new Error(
    `No dynoxide (the embedded DynamoDB) for ${machine.platform}-${machine.arch}: run \`npm i --no-save dynoxide\`, ` +
      "or set DYNOXIDE_BIN to its program, or DYNAMODB_ENDPOINT to another DynamoDB",
  );
}

function packaged({ platform, arch }: Machine): string | undefined {
  try {
    const manifest = `@dynoxide/${platform}-${arch}/package.json`;
    return join(dirname(createRequire(import.meta.url).resolve(manifest)), "dynoxide");
  } catch {
    return undefined;
  }
}

/** Relative entries are left out: they would run what lies in the folder one happens to be in. */
const onPath = ({ path }: Machine) =>
  path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, "dynoxide"));

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
