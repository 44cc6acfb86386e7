import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type EmulatorsProps } from "../../lib/local/emulators.ts";
import { findDynoxide } from "../../lib/local/find-dynoxide.ts";
import { emulatorsForEachTest } from "../support/emulators.ts";

/** Seconds pass here only where something does not end when asked; the rest is for slow machines. */
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const { alive, inFolder, start } = emulatorsForEachTest();

describe("a start that cannot be is refused in one line", () => {
  const refusal = async (props: Partial<EmulatorsProps> = {}) => {
    const message = await start(props).then(
      () => "started",
      (error: Error) => error.message,
    );
    expect(message).not.toContain("\n");
    expect(await alive()).toEqual([]);
    return message;
  };

  it("when DYNOXIDE_BIN names nothing that runs", async () => {
    expect(await refusal({ dynoxideBin: "/no/such/dynoxide" })).toBe(
      "DYNOXIDE_BIN is /no/such/dynoxide, which is no program that can be run",
    );
    expect(await refusal({ dynoxideBin: inFolder() })).toContain("no program that can be run");
    const broken = inFolder("broken");
    await writeFile(broken, "#!/no/such/interpreter", { mode: 0o755 });
    expect(await refusal({ dynoxideBin: broken })).toMatch(/broken cannot .*: .*ENOENT/);
  });

  it("when there is no dynoxide for this machine, with what to do", () => {
    const machine = { platform: "plan9", arch: "mips", path: "" };
    expect(() => findDynoxide(undefined, machine)).toThrow(
      /^No dynoxide .* for plan9-mips: .*npm i --no-save dynoxide.*DYNOXIDE_BIN.*DYNAMODB_ENDPOINT.*$/,
    );
    const path = `relative:${dirname(findDynoxide())}`;
    expect(findDynoxide(undefined, { ...machine, path })).toBe(findDynoxide());
  });

  it("when the table is broken", async () => {
    await writeFile(inFolder("table.db"), "no database, but long enough to be looked at");
    expect(await refusal()).toMatch(/^The table .*table\.db is broken; move it away .*$/);
  });

  it("when the table cannot be made", async () => {
    await mkdir(inFolder("table.db"));
    expect(await refusal()).toMatch(
      /dynoxide cannot serve the table .*table\.db: .*unable to open database file.*$/,
    );
  });

  it("when the queues are broken", async () => {
    await mkdir(inFolder("queues"));
    await writeFile(inFolder("queues/fauxqs.db"), "no database, but long enough to look at");
    expect(await refusal()).toMatch(
      /^The queues .*fauxqs\.db cannot be read; move them away .*\(file is not a database\)$/,
    );
  });

  it("when the schedules are broken", async () => {
    await mkdir(inFolder("schedules"));
    await writeFile(inFolder("schedules/schedules.db"), "no database, but long enough");
    expect(await refusal()).toMatch(
      /^The schedules .*schedules\.db cannot be read; move them away .*\(file is not a database\)$/,
    );
  });
});
