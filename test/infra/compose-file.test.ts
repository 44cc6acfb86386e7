import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";

const text = readFileSync("localstack.yml", "utf8");

/** As much of the Compose specification as the file uses (https://github.com/compose-spec/compose-spec). */
const composeFile = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/),
  services: z.strictObject({
    aws: z.strictObject({
      image: z.string(),
      ports: z.array(z.string().regex(/^[\d.]+:\d+:\d+$/)),
      extra_hosts: z.array(z.string().regex(/^[a-z.]+:[a-z-]+$/)),
      // A number or a boolean would not be what the container sees.
      environment: z.record(z.string().regex(/^[A-Z_]+$/), z.string()),
      volumes: z.array(z.string()),
    }),
  }),
});

describe("localstack.yml", () => {
  const { aws } = composeFile.parse(parse(text, { strict: true, uniqueKeys: true })).services;
  const fallbackOf = (value: string) => /^\$\{[A-Z_]+:-(.*?)\}/.exec(value)?.[1];

  it("starts an image of a fixed version, unless another one is named", () => {
    expect(fallbackOf(aws.image)).toMatch(/^ministackorg\/ministack:\d+\.\d+\.\d+$/);
  });

  it("starts the version of MiniStack that the tests deploy to", () => {
    const pinned = /const VERSION = "(.+)"/.exec(readFileSync("test/support/ministack.ts", "utf8"));
    expect(fallbackOf(aws.image)).toBe(`ministackorg/ministack:${pinned?.[1]}`);
  });

  it("listens on loopback only, where deploy:local looks for it", () => {
    expect(aws.ports).toEqual(["127.0.0.1:4566:4566"]);
    const stage = readFileSync("lib/aws/local-stage.ts", "utf8");
    expect(stage).toContain("http://127.0.0.1:4566");
  });

  it("gives the container neither Docker nor a token unless they are asked for", () => {
    expect(aws.volumes.map(fallbackOf)).toEqual(["/dev/null"]);
    expect(fallbackOf(aws.environment["LOCALSTACK_AUTH_TOKEN"] ?? "")).toBe("");
  });
});
