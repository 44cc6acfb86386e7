import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isRunning } from "../support/processes.ts";
import { openDataFolder, recordEmulators, type DataFolder } from "../../lib/local/data-folder.ts";

/** Seconds pass here only where something does not end when asked; the rest is for slow machines. */
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });
const DEADLINE = { timeout: 20_000, interval: 10 };

let parent: string;
let path: string;
const open: DataFolder[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "pulsegate-data-folder-"));
  path = join(parent, "data");
});

afterEach(async () => {
  for (const { pid } of await recorded()) kill(pid);
  for (const child of children.splice(0)) await killed(child);
  for (const folder of open.splice(0)) await folder.release();
  await rm(parent, { recursive: true, force: true });
});

const openFolder = async (at = path) => {
  const folder = await openDataFolder(at);
  open.push(folder);
  return folder;
};

const refusal = async (at = path) => {
  const message = await openFolder(at).then(
    () => "opened",
    (error: Error) => error.message,
  );
  expect(message).not.toContain("\n");
  return message;
};

describe("a data folder", () => {
  it("is made for its owner alone", async () => {
    const folder = await openFolder(join(path, "deep"));
    expect(folder.path).toBe(join(path, "deep"));
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
  });

  it("is refused while another process uses it, naming that one", async () => {
    const holder = await otherProcess(`await openDataFolder(path);`);
    expect(await refusal()).toBe(
      `The data folder ${path} is in use by another PulseGate (pid ${holder.pid}): stop it, or choose another folder`,
    );
  });

  it("is refused while this process uses it, until it is released", async () => {
    const folder = await openFolder();
    expect(await refusal()).toContain(`(pid ${process.pid})`);
    await folder.release();
    await folder.release();
    await openFolder();
  });

  it("stays locked although its holder has forgotten the object", async () => {
    const holder = await otherProcess(
      `
        await openDataFolder(path);
        for (let round = 0; round < 5; round++) {
          await new Promise(setImmediate);
          globalThis.gc();
        }
      `,
      "--expose-gc",
    );
    expect(await refusal()).toContain(`(pid ${holder.pid})`);
  });

  it("goes to one of those who come for it at once", async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, () =>
        otherProcess(`
          const answer = await openDataFolder(path).then(() => "got it", (error) => error.message);
          console.log(answer);
        `),
      ),
    );
    const answers = all.map(({ firstLine }) => firstLine);
    expect(answers.filter((answer) => answer === "got it")).toHaveLength(1);
    expect(answers.filter((answer) => answer.includes("is in use by"))).toHaveLength(3);
  });

  it("is free as soon as its holder was killed", async () => {
    const holder = await otherProcess(`await openDataFolder(path);`);
    holder.kill("SIGKILL");
    await openFolder();
  });

  it.each([
    ["a pid that is nobody's", 2 ** 22 + 1],
    ["a pid that somebody else has by now", process.pid],
  ])("is taken over from a holder of %s", async (_, pid) => {
    await (await openFolder()).release();
    await writeFile(join(path, "runtime.json"), JSON.stringify([{ pid, startedAt: "long ago" }]));
    await openFolder();
    expect(await readFile(join(path, "runtime.json"), "utf8")).not.toContain("long ago");
  });

  it("is refused in one line when it cannot be one", async () => {
    const file = join(parent, "file");
    await writeFile(file, "");
    expect(await refusal(file)).toBe(`The data folder ${file} is not a folder`);
    expect(await refusal(join(file, "below"))).toBe(
      `The data folder ${join(file, "below")} cannot be created (ENOTDIR)`,
    );
  });

  it.skipIf(process.getuid?.() === 0)("is refused in one line when it is read-only", async () => {
    await chmod(parent, 0o500);
    expect(await refusal()).toBe(`The data folder ${path} cannot be created (EACCES)`);
    expect(await refusal(parent)).toBe(`The data folder ${parent} cannot be written to (EACCES)`);
    await chmod(parent, 0o700);
  });

  it("is refused in one line when its lock file is something else", async () => {
    await (await openFolder()).release();
    await writeFile(join(path, "lock"), "not a lock of this runtime, and long enough to be seen");
    expect(await refusal()).toBe(
      `The data folder ${path} cannot be locked with its file "lock" (file is not a database)`,
    );
  });
});

describe("the leftovers of a killed runtime", () => {
  it("end by themselves, and are waited for", async () => {
    const runtime = await runtimeWithEmulators();
    runtime.kill("SIGKILL");
    const pids = await recorded();
    await openFolder();
    expect(pids).toHaveLength(2);
    expect(alive(pids)).toEqual([]);
  });

  it("are ended: a table whose host was killed too", async () => {
    const runtime = await runtimeWithEmulators();
    const [host, dynoxide] = await recorded();
    // Stopped, so that it cannot end its child when it sees the runtime go.
    process.kill(host!.pid, "SIGSTOP");
    await killed(runtime);
    process.kill(host!.pid, "SIGKILL");
    await vi.waitFor(() => expect(alive([host!])).toEqual([]), DEADLINE);
    expect(alive([dynoxide!])).toEqual([dynoxide]);

    await openFolder();
    expect(alive([dynoxide!])).toEqual([]);
    expect(await recorded()).toEqual([]);
  });

  it("are killed if they do not end", async () => {
    const runtime = await runtimeWithEmulators();
    const pids = await recorded();
    process.kill(pids[0]!.pid, "SIGSTOP");
    await killed(runtime);
    await openFolder();
    expect(alive(pids)).toEqual([]);
  });

  it("do not include a process that was given the pid of one of them", async () => {
    const stranger = await otherProcess("");
    const folder = await openFolder();
    recordEmulators(path, [stranger.pid!]);
    const [record] = await recorded();
    await folder.release();
    await writeFile(
      join(path, "emulators.json"),
      JSON.stringify([{ ...record, startedAt: "long ago" }, { pid: -1, startedAt: "x" }, 7]),
    );
    await openFolder();
    expect(alive([record!])).toEqual([record]);
    expect(stranger.signalCode).toBeNull();
  });

  it("do not include what is dead, although nobody has taken note of its end", async () => {
    // The first sleep becomes a zombie, since the second never asks for it.
    const careless = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"]);
    children.push(careless);
    const [line] = (await once(createInterface({ input: careless.stdout }), "line")) as [string];
    const folder = await openFolder();
    recordEmulators(path, [Number(line)]);
    const pids = await recorded();
    await folder.release();
    kill(Number(line));
    await vi.waitFor(() => expect(alive(pids)).toEqual([]), DEADLINE);
    await openFolder();
  });

  it("are nobody, when their record cannot be read", async () => {
    await (await openFolder()).release();
    await writeFile(join(path, "emulators.json"), "[{");
    await openFolder();
  });
});

interface Recorded {
  readonly pid: number;
}

async function recorded(): Promise<readonly Recorded[]> {
  const record = await readFile(join(path, "emulators.json"), "utf8").catch(() => "[]");
  try {
    return JSON.parse(record) as readonly Recorded[];
  } catch {
    return [];
  }
}

const alive = (processes: readonly Recorded[]): readonly Recorded[] =>
  processes.filter(({ pid }) => isRunning(pid));

/** A Node process that runs the code, says a line when it is done with it and stays. */
async function otherProcess(code: string, ...nodeOptions: readonly string[]) {
  const local = (file: string) =>
    JSON.stringify(new URL(`../../lib/local/${file}`, import.meta.url).href);
  const program = `
    import { openDataFolder } from ${local("data-folder.ts")};
    import { startEmulators } from ${local("emulators.ts")};
    const path = ${JSON.stringify(path)};
    ${code}
    console.log("done");
    setInterval(() => {}, 1_000);
  `;
  const child = spawn(
    process.execPath,
    [...nodeOptions, "--input-type=module", "--eval", program],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  children.push(child);
  const [firstLine] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return Object.assign(child, { firstLine });
}

const runtimeWithEmulators = () =>
  otherProcess(`
    await openDataFolder(path);
    await startEmulators({ dataDir: path, dynamodb: true, sqs: true, scheduler: false });
  `);

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

function kill(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, "SIGKILL");
  } catch {
    // Gone, as it should be.
  }
}
