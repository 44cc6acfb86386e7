import { describe, expect, it } from "vitest";
import { mayConnectTo } from "../../../lambdas/core/rules/destination-policy.ts";
import { readConfig } from "../../../lambdas/wiring/config.ts";
import type { VariableName } from "../../../lambdas/wiring/config.ts";

const all = {
  TABLE_NAME: "jobs",
  QUEUE_URL_HIGH: "https://sqs/high",
  QUEUE_URL_NORMAL: "https://sqs/normal",
  QUEUE_URL_LOW: "https://sqs/low",
  QUEUE_URL_DEAD_LETTERS: "https://sqs/dead-letters",
  QUEUE_ARN_HIGH: "arn:high",
  QUEUE_ARN_NORMAL: "arn:normal",
  QUEUE_ARN_LOW: "arn:low",
  QUEUE_ARN_DEAD_LETTERS: "arn:dead-letters",
  SCHEDULE_GROUP: "jobs",
  SCHEDULE_ROLE_ARN: "arn:role",
  LOG_LEVEL: "warn",
  RETENTION_DAYS: "30",
  INDEX_SHARDS: "4",
  LEASE_SECONDS: "45",
  DEDUPE_WINDOW_SECONDS: "3600",
  QUEUE_CAPACITY: "0",
  DESTINATION_ALLOW: "10.0.0.0/8",
};
const names = Object.keys(all) as VariableName[];

describe("a function's settings", () => {
  it("are read with their types", () => {
    const config = readConfig(all, names);
    expect(config).toMatchObject({
      TABLE_NAME: "jobs",
      QUEUE_URL_LOW: "https://sqs/low",
      LOG_LEVEL: "WARN",
      RETENTION_DAYS: 30,
      INDEX_SHARDS: 4,
      LEASE_SECONDS: 45,
      DEDUPE_WINDOW_SECONDS: 3_600,
      QUEUE_CAPACITY: 0,
    });
    expect(mayConnectTo("10.1.2.3", config.DESTINATION_ALLOW)).toBe(true);
    expect(mayConnectTo("127.0.0.1", config.DESTINATION_ALLOW)).toBe(false);
  });

  it("are only those that the function names", () => {
    expect(readConfig(all, ["TABLE_NAME"])).toEqual({ TABLE_NAME: "jobs" });
    expect(() => readConfig({ TABLE_NAME: "jobs" }, ["TABLE_NAME"])).not.toThrow();
  });

  it("are frozen", () => {
    const config = readConfig(all, names);
    expect(Object.isFrozen(config)).toBe(true);
  });

  it("default the log level alone", () => {
    expect(readConfig({}, ["LOG_LEVEL"])).toEqual({ LOG_LEVEL: "INFO" });
  });

  it("may permit no destination beside the public internet", () => {
    const { DESTINATION_ALLOW: allow } = readConfig({ DESTINATION_ALLOW: "" }, [
      "DESTINATION_ALLOW",
    ]);
    expect(mayConnectTo("127.0.0.1", allow)).toBe(false);
  });
});

describe("wrong settings", () => {
  const faultsOf = (environment: Record<string, string>, of: VariableName[] = names) => {
    try {
      readConfig(environment, of);
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
    throw new Error("they were accepted");
  };

  it("are all named at once, those that are missing too", () => {
    const message = faultsOf({ LOG_LEVEL: "loud", RETENTION_DAYS: "a month" });
    for (const name of names) expect(message).toContain(`${name}: `);
  });

  it("are told without the right ones", () => {
    const message = faultsOf({ ...all, INDEX_SHARDS: "0" });
    expect(message).toContain("INDEX_SHARDS: ");
    for (const name of names) if (name !== "INDEX_SHARDS") expect(message).not.toContain(name);
  });

  it.each([
    ["TABLE_NAME", ""],
    ["QUEUE_URL_HIGH", ""],
    ["LOG_LEVEL", "INFO"],
    ["LOG_LEVEL", ""],
    ["RETENTION_DAYS", "0"],
    ["RETENTION_DAYS", "3651"],
    ["RETENTION_DAYS", "1.5"],
    ["RETENTION_DAYS", ""],
    ["RETENTION_DAYS", "30 days"],
    ["INDEX_SHARDS", "0"],
    ["INDEX_SHARDS", "101"],
    ["INDEX_SHARDS", "four"],
    ["DEDUPE_WINDOW_SECONDS", "0"],
    ["DEDUPE_WINDOW_SECONDS", "an hour"],
    ["QUEUE_CAPACITY", "-1"],
    ["QUEUE_CAPACITY", "1.5"],
    ["SCHEDULE_GROUP", ""],
    ["QUEUE_ARN_LOW", ""],
    ["LEASE_SECONDS", "0"],
    ["LEASE_SECONDS", "-45"],
    ["LEASE_SECONDS", "Infinity"],
    ["DESTINATION_ALLOW", "127.0.0.0/8,http://a"],
  ] as const)("are found: %s=%j", (name, value) => {
    expect(faultsOf({ ...all, [name]: value })).toContain(`${name}: `);
  });

  it("are told in plain words", () => {
    const wrong = {
      ...all,
      TABLE_NAME: "",
      LOG_LEVEL: "loud",
      RETENTION_DAYS: "",
      LEASE_SECONDS: "0",
    };
    const { SCHEDULE_GROUP: _, ...environment } = wrong;
    const message = faultsOf(environment);
    expect(message).toContain("TABLE_NAME: must not be empty");
    expect(message).toContain("LOG_LEVEL: must be one of debug, info, warn, error");
    expect(message).toContain("RETENTION_DAYS: must be a whole number from 1 to 3650");
    expect(message).toContain("LEASE_SECONDS: must be a whole number of at least 1");
    expect(message).toContain("SCHEDULE_GROUP: is required");
    expect(message).not.toMatch(/expected|received|Invalid|Too (small|big)/);
  });

  it("name the entry of the allow list that is wrong", () => {
    expect(faultsOf({ DESTINATION_ALLOW: "::1,nowhere:80" }, ["DESTINATION_ALLOW"])).toContain(
      '"nowhere:80"',
    );
  });
});
