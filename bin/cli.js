#!/usr/bin/env node
// `npx pulsegate`. In the repository it runs the sources, so that there is nothing to build; in an
// installed package, where Node reads no TypeScript, what `npm pack` has built. Plain JavaScript,
// so that a Node too old for the sources can still say what is wrong.
import { existsSync } from "node:fs";

const source = new URL("../lib/cli/main.ts", import.meta.url);
const isRepository = existsSync(source);
if (isRepository) await import("./check-node.js");
const { main } = await import(isRepository ? source.href : "../dist/cli/main.js");
await main();
