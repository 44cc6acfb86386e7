import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jobTo } from "../support/api.ts";
import type { ProblemView } from "../support/api.ts";
import { startBottledRuntime } from "../support/bottled-runtime.ts";
import type { BottledRuntime } from "../support/bottled-runtime.ts";
import { hostileHosts, hostileUrls } from "../support/hostile-hosts.ts";
import { startRawServer } from "../support/raw-server.ts";
import type { RawServer } from "../support/raw-server.ts";

/**
 * The front door, and what lies inside at every address: whatever the runtime would connect to
 * outside of this machine leads to this server, which notices any connection, and so does the log.
 */
let inside: RawServer;
let bottle: BottledRuntime;

beforeAll(async () => {
  inside = await startRawServer();
  bottle = await startBottledRuntime({ DESTINATION_ALLOW: "allowed.test,10.9.0.0/16" });
});
afterAll(() => Promise.all([bottle.stop(), inside.stop()]));

const refused = async (url: string): Promise<void> => {
  const response = await bottle.api.post(jobTo(url));
  const problem = (await response.json()) as ProblemView;
  expect(response.status, JSON.stringify(problem)).toBe(400);
  expect(problem.code).toBe("invalid_input");
  const pointers = problem.errors.map(({ pointer }) => pointer);
  expect(new Set(pointers)).toEqual(new Set(["/destination/url"]));
};

const hosts = Object.entries(hostileHosts).flatMap(([kind, some]) =>
  some.map((host) => [kind, host] as const),
);

describe("a destination that leads inside is refused at the door", () => {
  it.each(hosts)("%s: %j", async (_, host) => {
    await refused(`http://${host}:${inside.port}/hook`);
    await refused(`https://${host}/`);
  });

  it.each(hostileUrls)("in a URL that looks like another one: %j", async (url) => {
    for (const host of ["127.0.0.1", "0x7f.1", "[::1]", "localhost", "169.254.169.254"]) {
      await refused(url.replaceAll("HOST", `${host}:${inside.port}`));
    }
  });

  it("in a batch, too, which takes the others", async () => {
    const urls = ["http://127.1/", "http://receiver.test/", "http://[::ffff:10.0.0.1]/"];
    const execute_at = new Date(Date.now() + 3_600_000).toISOString();
    const items = await bottle.api.postBatch({
      jobs: urls.map((url) => jobTo(url, { execute_at })),
    });
    expect(items.map(({ status }) => status)).toEqual([400, 201, 400]);
  });
});

describe("all of that", () => {
  it("is more than eighty ways to say it, and no two are the same", () => {
    const all = [...hosts.map(([, host]) => host), ...hostileUrls];
    expect(all.length).toBeGreaterThanOrEqual(80);
    expect(new Set(all).size).toBe(all.length);
  });

  it("reached nothing, and asked no name server", () => {
    expect(inside.connections).toHaveLength(0);
    expect(bottle.connectionsTo(inside.port)).toEqual([]);
    expect(bottle.connectionsOutside()).toEqual([]);
    expect(bottle.names.asked).toEqual([]);
  });
});
