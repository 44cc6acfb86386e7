import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { plantedFaults } from "./planted-faults.ts";

/**
 * `npm run simulate:planted`: is every planted fault found? Each is put into our code by itself, and
 * has to break a promise within 200 seeds. Prints the table of docs/RELIABILITY.md.
 */
const SEEDS = 200;
const program = fileURLToPath(new URL("find-planted.ts", import.meta.url));

const foundBy = (name: string): Promise<string> =>
  new Promise((resolve, reject) => {
    // Young garbage has room, and nobody reads the stacks of the faults that are thrown.
    const how = ["--max-semi-space-size=64", "--stack-trace-limit=0"];
    execFile(process.execPath, [...how, program, name, String(SEEDS)], (error, stdout, stderr) => {
      if (error) reject(new Error(`${name}: ${stderr}`));
      else resolve(stdout.trim());
    });
  });

const limit = pLimit(availableParallelism());
const rows = await Promise.all(
  plantedFaults.map(async (fault) => {
    const found = await limit(foundBy, fault.name);
    console.error(`${fault.name}: ${found}`);
    return { fault, found };
  }),
);
console.log("| planted fault | what it breaks | found in seed | by the broken promise |");
console.log("| --- | --- | --- | --- |");
for (const { fault, found } of rows) {
  const [seed = "", ...what] = found.split(" ");
  console.log(`| \`${fault.name}\` | ${fault.breaks} | ${seed} | ${what.join(" ")} |`);
}
const missed = rows.filter(({ found }) => found === "none");
console.log(`${rows.length - missed.length} of ${rows.length} planted faults are found`);
process.exitCode = missed.length === 0 ? 0 : 1;
