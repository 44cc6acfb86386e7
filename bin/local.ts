import { loadEnvironment, readSettings } from "../lib/local/settings.ts";
import { startRuntime } from "../lib/local/runtime.ts";
import type { Runtime } from "../lib/local/runtime.ts";
import { untilAskedToStop } from "../lib/local/stop-signals.ts";

/** `npm start`: the whole system on this machine. */

// From the first moment on: a signal during the start ends what has been started until then.
const askedToStop = untilAskedToStop();
const stop = async (runtime: Runtime, reason: string): Promise<never> => {
  console.log(`PulseGate stops (${reason}): attempts under way are finished first`);
  await runtime.stop();
  process.exit(reason.startsWith("SIG") || reason === "its parent ended" ? 0 : 1);
};

try {
  const settings = readSettings(loadEnvironment());
  // Metrics go to CloudWatch through the log; a terminal has no use for them.
  process.env["POWERTOOLS_METRICS_DISABLED"] ??= "true";
  const runtime = await startRuntime(settings);
  console.log(greeting(runtime.url, settings.DESTINATION_ALLOW));
  await stop(runtime, await Promise.race([askedToStop, runtime.died]));
} catch (error) {
  console.error(`PulseGate failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

function greeting(url: string, allow: string): string {
  // Its own health as the destination: a server that is there, so that the line works as pasted.
  const here = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
  const job = JSON.stringify({
    tenant_id: "demo",
    type: "webhook.dispatch",
    destination: { url: `${here}/healthz`, method: "GET" },
  });
  return [
    `PulseGate listens on ${url}`,
    `Destinations beside the public internet (DESTINATION_ALLOW): ${allow || "none"}`,
    ...(isLoopback(url) ? [] : ["Anybody who reaches this address may use it: AUTH is off"]),
    `Try it: curl ${here}/v1/jobs -H 'content-type: application/json' -d '${job}'`,
  ].join("\n");
}

function isLoopback(url: string): boolean {
  return /\/\/(127\.[\d.]+|\[::1\]|localhost):/.test(url);
}
