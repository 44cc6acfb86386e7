import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openInFlightJournal } from "../../lib/local/in-flight-journal.ts";
import type { InFlightJournal } from "../../lib/local/in-flight-journal.ts";

let dataDir: string;
let file: string;
const open: InFlightJournal[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "pulsegate-journal-"));
  file = join(dataDir, "in-flight.jsonl");
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const journal of open.splice(0)) journal.close();
  await rm(dataDir, { recursive: true, force: true });
});

const openJournal = (): InFlightJournal => {
  const journal = openInFlightJournal(dataDir);
  open.push(journal);
  return journal;
};

const message = (name: string) => ({ messageId: `id-${name}`, body: `{"id":"${name}"}` });
const bodies = (...names: readonly string[]) => names.map((name) => message(name).body);

/** Keeps a journal in a process of its own, by these lines, and kills it once it has written. */
const keepAndKill = async (lines: string): Promise<void> => {
  const module = new URL("../../lib/local/in-flight-journal.ts", import.meta.url).href;
  const program = `
    import { openInFlightJournal } from ${JSON.stringify(module)};
    const journal = openInFlightJournal(${JSON.stringify(dataDir)});
    const message = (name) => ({ messageId: "id-" + name, body: JSON.stringify({ id: name }) });
    ${lines}
    console.log("written");
    setInterval(() => undefined, 60_000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await once(createInterface({ input: child.stdout }), "line");
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  expect(await ended).toEqual([null, "SIGKILL"]);
};

describe("what is left over", () => {
  it("is what a killed process had begun and not ended", async () => {
    await keepAndKill(`
      journal.began([message("a"), message("b")]);
      journal.began([message("c")]);
      journal.ended([message("b")]);
    `);
    expect(openJournal().leftOver).toEqual(bodies("a", "c"));
  });

  it("is nothing at first, and nothing where all was ended", async () => {
    expect(openJournal().leftOver).toEqual([]);
    await keepAndKill(`
      journal.began([message("a")]);
      journal.ended([message("a")]);
    `);
    expect(openJournal().leftOver).toEqual([]);
  });

  it("is what was begun again after an end", async () => {
    await keepAndKill(`
      journal.began([message("a")]);
      journal.ended([message("a")]);
      journal.began([message("a")]);
    `);
    expect(openJournal().leftOver).toEqual(bodies("a"));
  });

  it("keeps a body as it is, whatever it holds", async () => {
    const body = '{"a":"\\n\u2028\u0000😀"}\n"';
    await keepAndKill(`journal.began([{ messageId: "id", body: ${JSON.stringify(body)} }]);`);
    expect(openJournal().leftOver).toEqual([body]);
  });

  it("is left over until it is forgotten, also through another kill", async () => {
    await keepAndKill(`journal.began([message("a")]);`);
    await keepAndKill(`journal.began([message("b")]);`);
    expect(openJournal().leftOver).toEqual(bodies("a", "b"));

    await keepAndKill(`
      journal.forgetLeftOver();
      journal.began([message("c")]);
    `);
    expect(openJournal().leftOver).toEqual(bodies("c"));
  });

  it("is what a killed process had begun before it forgot its former life", async () => {
    await keepAndKill(`journal.began([message("a")]);`);
    await keepAndKill(`
      journal.began([message("b")]);
      journal.forgetLeftOver();
    `);
    expect(openJournal().leftOver).toEqual(bodies("b"));
  });
});

describe("a line that the kill cut off", () => {
  it("counts as never written, wherever it was cut", async () => {
    await keepAndKill(`journal.began([message("a")]);`);
    const whole = (await readFile(file)).length;
    const { messageId: began, body } = message("cut 😀");
    const line = Buffer.from(JSON.stringify({ began, body }));
    for (let length = 1; length < line.length; length += 1) {
      await truncate(file, whole);
      await appendFile(file, line.subarray(0, length));
      expect(openJournal().leftOver).toEqual(bodies("a"));
    }
  });

  it("takes nothing of what the next process writes", async () => {
    await writeFile(file, '{"began":"id-cut","bo');
    await keepAndKill(`journal.began([message("a")]);`);
    expect(openJournal().leftOver).toEqual(bodies("a"));
  });
});

describe("a journal that grows", () => {
  it("is written anew, with what is open", async () => {
    await keepAndKill(`
      journal.began([message("open")]);
      for (let n = 0; n < 25_000; n += 1) {
        journal.began([message("m" + n)]);
        journal.ended([message("m" + n)]);
      }
      journal.began([message("last")]);
    `);
    const lines = (await readFile(file, "utf8")).split("\n").length;
    expect(lines).toBeLessThan(25_000);
    expect(openJournal().leftOver).toEqual(bodies("open", "last"));
  });

  it("keeps what is left over too, until it is forgotten", async () => {
    await keepAndKill(`journal.began([message("former")]);`);
    await keepAndKill(`
      for (let n = 0; n < 11_000; n += 1) {
        journal.began([message("m" + n)]);
        journal.ended([message("m" + n)]);
      }
    `);
    expect((await stat(file)).size).toBeLessThan(1_000_000);
    expect(openJournal().leftOver).toEqual(bodies("former"));
  });

  it("says why it cannot be opened", async () => {
    await rm(dataDir, { recursive: true });
    expect(() => openInFlightJournal(dataDir)).toThrow(/ENOENT/);
  });
});
