import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { PulseGate } from "../../lib/client/index.ts";
import { runCli } from "../support/cli.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { startOwnRuntime } from "../support/runtime-process.ts";

const runtime = forAllTests(startOwnRuntime);
let client: PulseGate;

beforeAll(() => {
  client = new PulseGate({ baseUrl: runtime.url });
});

const secrets = (args: readonly string[], stdin = "") =>
  runCli(["secrets", ...args], { env: { PULSEGATE_URL: runtime.url }, stdin });

/** What a script gets: one document a line. */
const done = async (args: readonly string[], stdin = "") => {
  const { status, stdout, stderr } = await secrets([...args, "--json"], stdin);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

const newTenant = () => `t-${randomUUID()}`;
const own = `whsec_${"A".repeat(32)}`;

describe("pulsegate secrets put", () => {
  it("makes a new secret, and shows it", async () => {
    const tenant_id = newTenant();
    const { status, stdout, stderr } = await secrets(["put", "--tenant", tenant_id]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [, id] =
      /^id +(sec_\w+)\nsecret +whsec_[A-Za-z0-9+/]{43}=\ncreated_at +\S+\n$/.exec(stdout) ?? [];
    expect(await client.listSigningSecrets({ tenant_id })).toMatchObject([{ id }]);
  });

  it("takes one of your own from stdin or a file, and shows it to scripts as the API does", async () => {
    const tenant_id = newTenant();
    const file = join(runtime.dataDir, "secret.txt");
    await writeFile(file, own);
    const put = ["put", "--tenant", tenant_id, "--secret-file"];
    const [fromStdin] = await done([...put, "-"], `${own}\n`);
    expect(fromStdin).toEqual({
      id: expect.stringMatching(/^sec_/) as string,
      secret: own,
      created_at: expect.stringMatching(/Z$/) as string,
    });
    // The same secret twice is there once.
    expect(await done([...put, file])).toEqual([fromStdin]);
  });

  it("says what is wrong with one, and never repeats it", async () => {
    const bad = "not_base_64!";
    const put = ["put", "--tenant", newTenant(), "--secret-file", "-"];
    const { status, stdout, stderr } = await secrets(put, bad);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("/secret: ");
    expect(stderr).not.toContain(bad);
  });
});

describe("pulsegate secrets list and delete", () => {
  it("show how each ends, newest first, and withdraw one", async () => {
    const tenant_id = newTenant();
    const old = await client.putSigningSecret({ tenant_id });
    const { id } = await client.putSigningSecret({ tenant_id, secret: own });
    const { stdout } = await secrets(["list", "--tenant", tenant_id]);
    const [heading, ...rows] = stdout.trimEnd().split("\n");
    expect(heading).toMatch(/^ID +CREATED +SECRET$/);
    expect(rows.map((row) => row.split(/ +/)[0])).toEqual([id, old.id]);
    expect(rows[0]).toMatch(/ whsec_…AAAA$/);
    expect(stdout).not.toContain(own);
    expect(await done(["list", "--tenant", tenant_id])).toEqual(
      await client.listSigningSecrets({ tenant_id }),
    );

    expect(await secrets(["delete", old.id, "--tenant", tenant_id])).toEqual({
      status: 0,
      stdout: `${old.id} deleted\n`,
      stderr: "",
    });
    expect(await done(["delete", id, "--tenant", tenant_id])).toEqual([{ id, deleted: true }]);
    expect(await secrets(["list", "--tenant", tenant_id])).toEqual({
      status: 0,
      stdout: "",
      stderr: "none\n",
    });
    expect(await done(["list", "--tenant", tenant_id])).toEqual([]);
  });

  it("say that there is no such secret, and end with 1", async () => {
    const { status, stderr } = await secrets(["delete", "sec_none", "--tenant", newTenant()]);
    expect(status).toBe(1);
    expect(stderr).toContain("(not_found, 404)");
  });
});
