import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The CDK makes a temporary folder for every app and leaves it: here they go with the test run. */
export default (): (() => void) => {
  const folder = mkdtempSync(join(tmpdir(), "pulsegate-infra-"));
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  return () => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
    rmSync(folder, { recursive: true, force: true });
  };
};
