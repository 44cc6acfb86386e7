import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A file that stands at this path and imports this. */
type Plant = readonly [path: string, specifier: string];

const HANDLER = "lambdas/functions/planted-%/handler.ts";

const forbidden: readonly Plant[] = [
  ["lib/topology.ts", "./aws/stack.ts"],
  ["lib/topology/planted-%.ts", "../aws/stack.ts"],
  ["lib/topology/planted-%.ts", "../topology.ts"],
  ["lib/topology/planted-%.ts", "zod"],
  ["lib/topology/planted-%.ts", "node:fs"],

  ["lambdas/core/rules/planted-%.ts", "@aws-sdk/client-dynamodb"],
  ["lambdas/core/rules/planted-%.ts", "@aws-lambda-powertools/logger"],
  ["lambdas/core/planted-%.ts", "aws-cdk-lib"],
  ["lambdas/core/planted-%.ts", "zod"],
  ["lambdas/core/planted-%.ts", "undici"],
  ["lambdas/core/planted-%.ts", "node:fs"],
  ["lambdas/core/planted-%.ts", "node:http"],
  ["lambdas/core/planted-%.ts", "node:net"],
  ["lambdas/core/planted-%.ts", "node:child_process"],
  ["lambdas/core/planted-%.ts", "fs"],
  ["lambdas/core/planted-%.ts", "net"],
  ["lambdas/core/usecases/planted-%.ts", "../../contract/problem.ts"],
  ["lambdas/core/usecases/planted-%.ts", "../../channels/index.ts"],
  ["lambdas/core/usecases/planted-%.ts", "../../adapters/dynamodb/items.ts"],
  ["lambdas/core/usecases/planted-%.ts", "../../middleware/http.ts"],
  ["lambdas/core/usecases/planted-%.ts", "../../wiring/compose.ts"],
  ["lambdas/core/usecases/planted-%.ts", "../../functions/deliver/handler.ts"],
  ["lambdas/core/usecases/planted-%.ts", "../../../lib/topology.ts"],

  ["lambdas/contract/planted-%.ts", "@aws-sdk/client-sqs"],
  ["lambdas/contract/planted-%.ts", "@middy/core"],
  ["lambdas/contract/planted-%.ts", "aws-cdk-lib"],
  ["lambdas/contract/planted-%.ts", "../adapters/sqs/job-queue.ts"],
  ["lambdas/contract/planted-%.ts", "../middleware/http.ts"],
  ["lambdas/contract/planted-%.ts", "../wiring/config.ts"],
  ["lambdas/contract/planted-%.ts", "../functions/deliver/handler.ts"],
  ["lambdas/contract/planted-%.ts", "../../lib/topology.ts"],

  ["lambdas/channels/planted-%.ts", "@aws-sdk/client-sqs"],
  ["lambdas/channels/planted-%.ts", "../adapters/http/transport.ts"],
  ["lambdas/channels/planted-%.ts", "../contract/problem.ts"],
  ["lambdas/channels/planted-%.ts", "../middleware/http.ts"],
  ["lambdas/channels/planted-%.ts", "../wiring/config.ts"],
  ["lambdas/channels/planted-%.ts", "../functions/deliver/handler.ts"],
  ["lambdas/channels/planted-%.ts", "../../lib/topology.ts"],

  ["lambdas/adapters/http/planted-%.ts", "../../contract/problem.ts"],
  ["lambdas/adapters/http/planted-%.ts", "../../middleware/http.ts"],
  ["lambdas/adapters/http/planted-%.ts", "../../wiring/config.ts"],
  ["lambdas/adapters/http/planted-%.ts", "../../functions/deliver/handler.ts"],
  ["lambdas/adapters/http/planted-%.ts", "../../../lib/topology.ts"],

  ["lambdas/middleware/planted-%.ts", "@aws-sdk/client-sqs"],
  ["lambdas/middleware/planted-%.ts", "../adapters/sqs/job-queue.ts"],
  ["lambdas/middleware/planted-%.ts", "../channels/index.ts"],
  ["lambdas/middleware/planted-%.ts", "../wiring/config.ts"],
  ["lambdas/middleware/planted-%.ts", "../functions/deliver/handler.ts"],
  ["lambdas/middleware/planted-%.ts", "../../lib/topology.ts"],

  [HANDLER, "@aws-sdk/client-sqs"],
  [HANDLER, "../../adapters/sqs/job-queue.ts"],
  [HANDLER, "../../channels/index.ts"],
  [HANDLER, "../../wiring/compose.ts"],
  ["lambdas/functions/planted-%/helper.ts", "../../wiring/compose.ts"],

  ["lib/local/planted-%.ts", "aws-cdk-lib"],
  ["lib/local/planted-%.ts", "aws-cdk-lib/aws-sqs"],
  ["lib/local/planted-%.ts", "constructs"],
  ["lib/local/planted-%.ts", "cdk-nag"],
  ["lambdas/channels/planted-%.ts", "aws-cdk-lib"],
  ["lambdas/adapters/http/planted-%.ts", "aws-cdk-lib"],
  ["lambdas/middleware/planted-%.ts", "aws-cdk-lib"],
  ["lambdas/wiring/planted-%.ts", "aws-cdk-lib"],
  [HANDLER, "aws-cdk-lib"],

  ["lib/client/planted-%.ts", "zod"],
  ["lib/client/planted-%.ts", "node:fs"],
  ["lib/client/planted-%.ts", "../topology.ts"],
  ["lib/client/planted-%.ts", "../../lambdas/contract/views.ts"],
  ["lib/cli/planted-%.ts", "zod"],
  ["lib/cli/planted-%.ts", "../client/retries.ts"],
  ["lib/cli/planted-%.ts", "../../lambdas/core/errors.ts"],

  ["lib/aws/planted-%.ts", "../../lambdas/functions/deliver/main.ts"],
  ["lib/aws/planted-%.ts", "../../lambdas/wiring/config.ts"],

  ["lib/client/planted-%.ts", "node:crypto"],
  ["lib/client/planted-%.ts", "zod"],
  ["lib/client/planted-%.ts", "@aws-sdk/client-sqs"],
  ["lib/client/planted-%.ts", "../../lambdas/contract/problem.ts"],
  ["lib/client/planted-%.ts", "../cli/main.ts"],

  ["lib/cli/planted-%.ts", "zod"],
  ["lib/cli/planted-%.ts", "../client/transport.ts"],
  ["lib/cli/planted-%.ts", "../../lambdas/contract/problem.ts"],
];

const permitted: readonly Plant[] = [
  ["lib/topology/planted-%.ts", "./resources.ts"],
  ["lambdas/core/rules/planted-%.ts", "node:crypto"],
  ["lambdas/core/rules/planted-%.ts", "../errors.ts"],
  ["lambdas/contract/planted-%.ts", "../channels/index.ts"],
  ["lambdas/contract/planted-%.ts", "../core/errors.ts"],
  ["lambdas/contract/planted-%.ts", "zod"],
  ["lambdas/channels/planted-%.ts", "../core/errors.ts"],
  ["lambdas/adapters/http/planted-%.ts", "undici"],
  ["lambdas/middleware/planted-%.ts", "../contract/problem.ts"],
  ["lambdas/wiring/planted-%.ts", "../adapters/http/transport.ts"],
  [HANDLER, "../../middleware/http.ts"],
  [HANDLER, "../../../lib/topology.ts"],
  ["lambdas/functions/planted-%/main.ts", "../../wiring/compose.ts"],
  ["lib/local/planted-%.ts", "../../lambdas/wiring/compose.ts"],
  ["lib/client/planted-%.ts", "./index.ts"],
  ["lib/cli/planted-%.ts", "../client/index.ts"],
  ["lib/cli/planted-%.ts", "node:util"],
  ["lib/aws/planted-%.ts", "aws-cdk-lib"],
  ["lib/aws/planted-%.ts", "../topology.ts"],
  ["lib/aws/planted-%.ts", "../../lambdas/contract/plain-text.ts"],
  ["lib/client/planted-%.ts", "./error.ts"],
  ["lib/cli/planted-%.ts", "../client/index.ts"],
  ["lib/cli/planted-%.ts", "node:util"],
];

/** Each in a file of its own, under the project's own rules, in a folder that is no part of it. */
const caughtAmong = async (plants: readonly string[][]): Promise<ReadonlySet<string>> => {
  const folder = await mkdtemp(join(tmpdir(), "import-rules-"));
  try {
    await copyFile(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    for (const [path = "", specifier = ""] of plants) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), `export * from ${JSON.stringify(specifier)};\n`);
    }
    const report = JSON.parse(await oxlint(folder)) as {
      diagnostics: { code: string; filename: string }[];
    };
    const imports = report.diagnostics.filter(({ code }) => code.includes("no-restricted-imports"));
    return new Set(imports.map(({ filename }) => filename.replaceAll("\\", "/")));
  } finally {
    await rm(folder, { recursive: true });
  }
};

const oxlint = (folder: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const program = join(root, "node_modules/oxlint/bin/oxlint");
    execFile(process.execPath, [program, "-f", "json", "."], { cwd: folder }, (error, stdout) => {
      // It exits with 1 for what it found, which is what is asked for.
      if (stdout.includes('"diagnostics"')) resolve(stdout);
      else reject(error ?? new Error(`oxlint said: ${stdout}`));
    });
  });

const placed = (plants: readonly Plant[], mark: string) =>
  plants.map(([path, specifier], index) => [path.replace("%", `${mark}${index}`), specifier]);
const forbiddenFiles = placed(forbidden, "f");
const permittedFiles = placed(permitted, "p");

let caught: ReadonlySet<string>;
beforeAll(async () => {
  caught = await caughtAmong([...forbiddenFiles, ...permittedFiles]);
});

describe("the import rules", () => {
  it.each(forbiddenFiles)("catch %s when it imports %s", (path) => {
    expect(caught.has(path ?? "")).toBe(true);
  });

  it.each(permittedFiles)("let %s import %s", (path) => {
    expect(caught.has(path ?? "")).toBe(false);
  });
});
