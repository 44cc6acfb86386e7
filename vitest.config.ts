import { defineConfig } from "vitest/config";

const shared = {
  // Real processes and real waits for them; a fact that does not come within this is a failure.
  testTimeout: 30_000,
  hookTimeout: 60_000,
  env: { POWERTOOLS_METRICS_DISABLED: "true" },
};

export default defineConfig({
  test: {
    // Most of a test's time is waiting: for a process, a delay in seconds, a lease.
    maxWorkers: 4,
    projects: [
      {
        test: {
          ...shared,
          name: "inside",
          include: ["test/{unit,integration,contract}/**/*.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "infra",
          include: ["test/infra/**/*.test.ts"],
          globalSetup: "test/support/own-temp-folder.ts",
          // Every isolated file would load the whole CDK again.
          isolate: false,
        },
      },
      {
        test: {
          ...shared,
          name: "blackbox",
          include: ["test/blackbox/**/*.test.ts"],
          globalSetup: "test/support/blackbox-setup.ts",
          setupFiles: "test/support/known-deviations.ts",
        },
      },
    ],
  },
});
