import { defineConfig } from "vitest/config";

/** `npm run test:deployed`: the black-box suite and more, on a server that the stacks are deployed to. */
export default defineConfig({
  test: {
    name: "deployed",
    include: ["test/{blackbox,deployed}/**/*.test.ts"],
    globalSetup: "test/support/deployed-setup.ts",
    setupFiles: "test/support/known-deviations.ts",
    // A function starts cold, and a message comes back after its visibility timeout of 90 s.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 4,
  },
});
