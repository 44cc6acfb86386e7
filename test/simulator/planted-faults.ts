import type { PlantedFault } from "./planted/planted-fault.ts";
import { faultsOfPromises } from "./planted/promises.ts";
import { faultsOfRules } from "./planted/rules.ts";
import { faultsOfWorld } from "./planted/world.ts";

/**
 * One for each line of the table of rules, and for each rule around it. The simulator has to find
 * every one of them: `npm run simulate -- --planted <name>`.
 */
export const plantedFaults: readonly PlantedFault[] = [
  ...faultsOfRules,
  ...faultsOfPromises,
  ...faultsOfWorld,
];
