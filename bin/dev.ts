import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { untilAskedToStop } from "../lib/local/stop-signals.ts";

/**
 * `npm run dev`: `npm start`, again at every change of a file that it imports. The old one is killed
 * at once, attempts and all: its data is safe by design, and waiting for it would cost seconds.
 */
const watcher = spawn(
  process.execPath,
  [
    "--watch",
    "--watch-preserve-output",
    "--watch-kill-signal=SIGKILL",
    fileURLToPath(new URL("local.ts", import.meta.url)),
  ],
  { stdio: "inherit" },
);
const ended = once(watcher, "exit");
await Promise.race([untilAskedToStop(), ended]);
watcher.kill("SIGTERM");
await ended;
process.exit(0);
