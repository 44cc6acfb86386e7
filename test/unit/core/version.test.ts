import { expect, it } from "vitest";
import { version } from "../../../lambdas/core/version.ts";
import manifest from "../../../package.json" with { type: "json" };

it("the version that deliveries name is the package's", () => {
  expect(version).toBe(manifest.version);
});
