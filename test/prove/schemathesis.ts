import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installPythonTool } from "../support/python-tool.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";

/**
 * `npm run prove:schemathesis`: a fuzzer that is not ours, on a runtime of its own, by /openapi.json
 * alone. Takes Python 3.10 or later; `SCHEMATHESIS_EXAMPLES` says how many inputs a call gets.
 *
 * @see https://schemathesis.readthedocs.io
 */
const VERSION = "4.32.5";
const EXAMPLES = process.env["SCHEMATHESIS_EXAMPLES"] ?? "200";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = join(installPythonTool("schemathesis", VERSION), "schemathesis");
const dataDir = await makeDataDir();
const runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
try {
  const fuzzer = spawn(
    program,
    [
      `--config-file=${join(root, "test/prove/schemathesis.toml")}`,
      "run",
      `${runtime.url}/openapi.json`,
      `--max-examples=${EXAMPLES}`,
      "--continue-on-failure",
    ],
    {
      stdio: "inherit",
      cwd: dataDir, // its own database of examples goes there, and away with it
      env: { ...process.env, SCHEMATHESIS_HOOKS: join(root, "test/prove/schemathesis_hooks.py") },
    },
  );
  const [status] = (await once(fuzzer, "exit")) as [number | null];
  process.exitCode = status ?? 1;
} finally {
  await runtime.stop();
  await removeDataDir(dataDir);
}
