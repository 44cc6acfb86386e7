import { registerHooks } from "node:module";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { plantedFaults } from "./planted-faults.ts";
import type { PlantedFault } from "./planted/planted-fault.ts";

const root = new URL("../../", import.meta.url);

/**
 * Has this process load our code with a fault in it. Only what is imported afterwards: the simulator
 * itself has to be imported dynamically.
 *
 * @throws Error if there is no such fault, or our code has changed under it
 */
export const plant = (name: string): PlantedFault => {
  const fault = plantedFaults.find((known) => known.name === name);
  if (!fault) {
    throw new Error(`no fault is called ${name}: ${plantedFaults.map((f) => f.name).join(", ")}`);
  }
  const texts = faultyTextsOf(fault);
  registerHooks({
    load(url, context, nextLoad) {
      const source = texts.get(url);
      if (source === undefined) return nextLoad(url, context);
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
  return fault;
};

/**
 * The files with the fault in them, by their addresses.
 *
 * @throws Error if a passage does not stand there exactly once
 */
export const faultyTextsOf = ({ name, also, ...own }: PlantedFault): ReadonlyMap<string, string> =>
  new Map(
    [own, ...(also ? [also] : [])].map(({ file, edits }) => {
      const url = new URL(file, root);
      let text = readFileSync(fileURLToPath(url), "utf8");
      for (const [find, put] of edits) {
        const places = text.split(find).length - 1;
        if (places !== 1) throw new Error(`${name}: its passage stands ${places} times in ${file}`);
        text = text.replace(find, () => put);
      }
      return [url.href, text];
    }),
  );
