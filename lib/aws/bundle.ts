/**
 * The bundles that Lambda runs: one folder per function, `dist/functions/<name>/index.mjs` with its
 * source map, made by one esbuild call for all of them. The same sources give the same bytes, so a
 * deployment that changed nothing uploads nothing. `npm run build` prints what each weighs.
 */
import { realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { Metafile, Plugin } from "esbuild";
import { functions } from "../topology.ts";
import type { FunctionName } from "../topology.ts";

export interface Bundle {
  readonly name: FunctionName;
  /** What is deployed: the bundle and its source map. */
  readonly folder: string;
  readonly bytes: number;
  /** The npm packages that left at least a byte in it, sorted. */
  readonly packages: readonly string[];
}

const root = join(import.meta.dirname, "../..");
const names = Object.keys(functions) as FunctionName[];

/** Bundles every function of the topology into `outDir`, replacing what lies there. */
export async function bundleFunctions(
  outDir = join(root, "dist/functions"),
): Promise<readonly Bundle[]> {
  // A function that was renamed must not leave its old bundle behind.
  await rm(outDir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({
      in: `lambdas/functions/${name}/main.ts`,
      out: `${name}/index`,
    })),
    outdir: outDir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // ES modules first: esbuild's default prefers CommonJS, which it cannot shake (1,053 KB
    // against 846 KB with every library that we use).
    mainFields: ["module", "main"],
    banner: { js: requireBanner },
    sourcemap: true,
    // A stack trace needs lines and names, not the text, which would double what is uploaded.
    sourcesContent: false,
    plugins: [environmentCredentials],
    metafile: true,
    logLevel: "warning",
  });
  return names.map((name) => describe(name, join(outDir, name), metafile));
}

/**
 * CommonJS inside an ES module calls `require`, which is not there. The import's name is an
 * unlikely one: a short one can meet a name that the minifier chose, and only fails when loaded.
 */
const requireBanner =
  "import{createRequire as pulsegateCreateRequire}from'node:module';" +
  "const require=pulsegateCreateRequire(import.meta.url);";

/**
 * The SDK's chain of credential providers looks into profiles, SSO, web identities, processes and
 * instance metadata. Lambda hands a function its credentials in AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN and nowhere else
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html), so the SDK's own
 * provider for these takes the chain's place: 120 KB and 20 ms of every cold start. The clients
 * import one name, `defaultProvider`; one more would fail the build.
 */
const environmentCredentials: Plugin = {
  name: "environment-credentials",
  setup(build) {
    const namespace = "environment-credentials";
    build.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path, resolveDir }) => ({
      path,
      namespace,
      pluginData: resolveDir,
    }));
    build.onLoad({ filter: /.*/, namespace }, ({ pluginData }) => ({
      contents: 'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";',
      resolveDir: pluginData as string,
    }));
  },
};

function describe(name: FunctionName, folder: string, metafile: Metafile): Bundle {
  const output = Object.entries(metafile.outputs).find(([path]) =>
    path.endsWith(`/${name}/index.mjs`),
  )?.[1];
  if (!output) throw new Error(`esbuild made no bundle for ${name}`);
  const packages = new Set<string>();
  for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
    const npmPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
    if (npmPackage && bytesInOutput > 0) packages.add(npmPackage);
  }
  return { name, folder, bytes: output.bytes, packages: [...packages].toSorted() };
}

// Not `import.meta.main`, which Node 22 does not know.
if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  for (const { name, bytes } of await bundleFunctions()) {
    console.log(`${name.padEnd(12)} ${Math.ceil(bytes / 1024)} KB`);
  }
}
