import { defineConfig } from "vitest/config";

const killing = "test/deployed/killed-functions.test.ts";

/** `npm run test:deployed`: the black-box suite and more, on a server that the stacks are deployed to. */
export default defineConfig({
  test: {
    globalSetup: "test/support/deployed-setup.ts",
    maxWorkers: 4,
    projects: [
      {
        extends: true,
        test: {
          name: "deployed",
          include: ["test/{blackbox,deployed}/**/*.test.ts"],
          exclude: [killing],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // It kills the very functions that all others go through, whose jobs would be late by minutes.
        extends: true,
        test: { name: "killed", include: [killing], sequence: { groupOrder: 1 } },
      },
    ],
    setupFiles: "test/support/known-deviations.ts",
    // A function starts cold, and a message comes back after its visibility timeout of 90 s.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
