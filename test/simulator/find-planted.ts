import { plant } from "./plant.ts";

/** Prints the first seed in which one planted fault breaks a promise, and which; or `none`. */
const [name = "", seeds = "200"] = process.argv.slice(2);
plant(name);
const { runSeeds } = await import("./seeds.ts");

let seed = 0;
const { failed } = await runSeeds({
  hours: 1,
  jobs: 200,
  next: () => (seed < Number(seeds) ? (seed += 1) : undefined),
});
console.log(failed ? `${failed.plan.seed} ${failed.violations[0]?.what}` : "none");
