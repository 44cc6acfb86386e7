import { afterEach, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { answer, startMisbehavingApi } from "../support/misbehaving-api.ts";
import type { MisbehavingApi } from "../support/misbehaving-api.ts";

const JOB_ID = "job_01K8YV3W5XN5T0Y2M1Q7R9S4AB";

let api: MisbehavingApi | undefined;
afterEach(async () => {
  await api?.stop();
  api = undefined;
});

/** The command, over an API whose n-th page has so many items. */
const listing = async (args: readonly string[], ...counts: readonly number[]) => {
  const pages = counts.map((count, index) =>
    answer(200, {
      items: Array.from({ length: count }, (_, n) => ({ id: JOB_ID, n, attempts: 0, type: "a" })),
      next_cursor: index < counts.length - 1 ? "more" : null,
    }),
  );
  api = await startMisbehavingApi(...pages);
  return runCli(["jobs", ...args], { env: { PULSEGATE_URL: api.url } });
};

describe("a list", () => {
  it.each([
    ["the attempts of a job", ["attempts", JOB_ID]],
    ["some jobs", ["list", "--tenant", "t1"]],
    ["all jobs", ["list", "--tenant", "t1", "--all"]],
  ])("of %s says `none` on stderr if there are none, and only then", async (_, args) => {
    expect(await listing(args, 0)).toEqual({ status: 0, stdout: "", stderr: "none\n" });
    await api?.stop();

    const some = await listing(args, 0, 2);
    expect({ status: some.status, stderr: some.stderr }).toEqual({ status: 0, stderr: "" });
    expect(some.stdout.trimEnd().split("\n")).toHaveLength(3);
  });
});
