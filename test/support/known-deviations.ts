import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, inject } from "vitest";
import type { RunnerTask, RunnerTestFile } from "vitest";
import { deviations } from "../conformance/deviations.ts";
import { expectDeviations, requireTitles } from "../conformance/expect-deviations.ts";

/**
 * The black-box tests know no server. What MiniStack is known to do otherwise is expected to fail
 * there, and has to: see docs/emulators.md. On every server the listed tests have to exist.
 */
const listed = deviations.filter((deviation) => deviation.suite === "black box");
const pathOf = (file: string) => fileURLToPath(new URL(`../blackbox/${file}`, import.meta.url));

for (const { file } of listed) {
  if (existsSync(pathOf(file))) continue;
  throw new Error(`deviations.ts lists a test of ${file}, which is not in test/blackbox/`);
}

const listedIn = ({ filepath }: Pick<RunnerTestFile, "filepath">) =>
  listed.filter(({ file }) => pathOf(file) === filepath);

// Vitest reads from the pattern what a hook takes of the context: here nothing.
// oxlint-disable-next-line no-empty-pattern
beforeAll(({}, { file }) => requireTitles(listedIn(file), new Set(titlesIn(file.tasks))));

const isMiniStack = inject("deployment")?.serverPid !== undefined;
if (isMiniStack) afterEach(({ task }) => expectDeviations(listedIn(task.file))({ task }));

function titlesIn(tasks: readonly RunnerTask[]): readonly string[] {
  return tasks.flatMap((task) => (task.type === "suite" ? titlesIn(task.tasks) : task.name));
}
