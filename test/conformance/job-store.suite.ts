import { beforeAll } from "vitest";
import { describeConformance } from "./describe-conformance.ts";
import { stateAttempts } from "./job-store-attempts.ts";
import { stateChanges } from "./job-store-changes.ts";
import { stateCreation } from "./job-store-creation.ts";
import { stateDedupe } from "./job-store-dedupe.ts";
import { stateGraves } from "./job-store-graves.ts";
import type { JobStorage } from "./stored-jobs.ts";

/**
 * What every `JobStore` does. Time is what each call says it is, so nothing here waits.
 *
 * @param make opens the storage, once for the suite
 */
export const describeJobStore = (what: string, make: () => Promise<JobStorage>): void => {
  describeConformance("JobStore", what, (state) => {
    let storage: JobStorage;
    beforeAll(async () => {
      storage = await make();
    });
    const store = () => storage.store;
    stateCreation(state, store);
    stateDedupe(state, store);
    stateAttempts(state, store);
    stateChanges(state, store);
    stateGraves(state, store);
  });
};
