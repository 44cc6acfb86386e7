/**
 * Before `npm run test:deployed`: what it lacks to start a server of its own. Vitest would say first
 * that there are no tests.
 */
import { prepareMiniStack } from "./ministack.ts";

if (process.env["AWS_ENDPOINT_URL"] === undefined) {
  try {
    prepareMiniStack();
  } catch (error) {
    console.error(`npm run test:deployed: ${error instanceof Error ? error.message : ""}`);
    process.exitCode = 1;
  }
}
