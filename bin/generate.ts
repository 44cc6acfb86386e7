import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { problemCodes } from "../lambdas/core/errors.ts";
import { settingDocs } from "../lib/local/settings.ts";
import { errorsPage } from "../lib/docs/errors-page.ts";
import { configurationPage, environmentExample } from "../lib/docs/configuration-page.ts";
import { emulatorsPage } from "../lib/docs/emulators-page.ts";
import { openApiJson, openApiYaml } from "../lib/docs/openapi/document.ts";
import { deviations } from "../test/conformance/deviations.ts";

/**
 * `npm run generate`: prints what is derived from the code, so that it cannot drift. With `--check`
 * it writes nothing and fails if a committed file is stale.
 */
const files: Readonly<Record<string, string>> = {
  ".env.example": environmentExample(settingDocs()),
  "docs/configuration.md": await markdown(configurationPage(settingDocs())),
  "docs/emulators.md": await markdown(emulatorsPage(deviations)),
  "docs/errors.md": await markdown(errorsPage(problemCodes)),
  "lambdas/functions/system/openapi.json": await formatted(openApiJson(), "json"),
  "openapi/openapi.yaml": await formatted(openApiYaml(), "yaml"),
};

const isCheck = process.argv.includes("--check");
const stale: string[] = [];
for (const [name, text] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (readIfThere(path) === text) continue;
  stale.push(name);
  if (!isCheck) writeFileSync(path, text);
}
if (isCheck && stale.length > 0) {
  console.error(`stale, run \`npm run generate\`: ${stale.join(", ")}`);
  process.exit(1);
}

function markdown(text: string): Promise<string> {
  return formatted(text, "markdown");
}

function formatted(text: string, parser: "json" | "markdown" | "yaml"): Promise<string> {
  return format(text, { parser, printWidth: 100 });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
