import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Real processes and real waits for them; a fact that does not come within this is a failure.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { POWERTOOLS_METRICS_DISABLED: "true", POWERTOOLS_DEV: "false" },
  },
});
