import { describe, expect, it } from "vitest";
import { readSettings, settingDocs } from "../../../../lib/local/settings.ts";

const defaults = {
  PORT: 8080,
  HOST: "127.0.0.1",
  PULSEGATE_DATA_DIR: ".pulsegate",
  WORKER_CONCURRENCY: 20,
  QUEUE_CAPACITY: 1_000_000,
  DEDUPE_WINDOW_SECONDS: 3_600,
  RETENTION_DAYS: 30,
  DESTINATION_ALLOW: "127.0.0.0/8,::1/128",
  AUTH: "off",
  LOG_LEVEL: "info",
};

const faultOf = (environment: Record<string, string>): string => {
  try {
    readSettings(environment);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  throw new Error("they were accepted");
};

describe("the local runtime's settings", () => {
  it("have a default, each", () => {
    expect(readSettings({})).toMatchObject(defaults);
  });

  it("are left out when they are empty, as in a copied example", () => {
    const names = Object.keys(defaults).filter((name) => name !== "HOST");
    const empty = Object.fromEntries(names.map((name) => [name, ""]));
    expect(readSettings({ ...empty, DYNAMODB_ENDPOINT: "" })).toEqual(readSettings({}));
  });

  it("are not disturbed by the rest of the environment", () => {
    expect(readSettings({ PATH: "/bin", port: "1" })).toEqual(readSettings({}));
  });

  it.each([
    ["PORT", "0", 0],
    ["PORT", "65535", 65_535],
    ["HOST", "0.0.0.0", "0.0.0.0"],
    ["PULSEGATE_DATA_DIR", "/var/lib/pulsegate", "/var/lib/pulsegate"],
    ["WORKER_CONCURRENCY", "1", 1],
    ["RETENTION_DAYS", "3650", 3_650],
    ["DESTINATION_ALLOW", "10.0.0.0/8,receiver.internal", "10.0.0.0/8,receiver.internal"],
    ["LOG_LEVEL", "debug", "debug"],
    ["DYNOXIDE_BIN", "/usr/bin/dynoxide", "/usr/bin/dynoxide"],
    ["DYNAMODB_ENDPOINT", "http://127.0.0.1:8000", "http://127.0.0.1:8000"],
    ["SQS_ENDPOINT", "https://sqs.internal:9324/", "https://sqs.internal:9324/"],
  ] as const)("may say %s=%s", (name, text, value) => {
    expect(readSettings({ [name]: text })[name]).toBe(value);
  });

  it.each([
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "80.5"],
    ["PORT", "http"],
    ["PORT", "8080/tcp"],
    ["PORT", " "],
    ["WORKER_CONCURRENCY", "0"],
    ["WORKER_CONCURRENCY", "1001"],
    ["WORKER_CONCURRENCY", "many"],
    ["QUEUE_CAPACITY", "0"],
    ["QUEUE_CAPACITY", "no limit"],
    ["DEDUPE_WINDOW_SECONDS", "0"],
    ["DEDUPE_WINDOW_SECONDS", "1.5"],
    ["RETENTION_DAYS", "0"],
    ["RETENTION_DAYS", "3651"],
    ["DESTINATION_ALLOW", "127.0.0.0/33"],
    ["AUTH", "keys"],
    ["AUTH", "on"],
    ["LOG_LEVEL", "INFO"],
    ["LOG_LEVEL", "trace"],
    ["DYNAMODB_ENDPOINT", "127.0.0.1:8000"],
    ["DYNAMODB_ENDPOINT", "ftp://127.0.0.1"],
    ["SQS_ENDPOINT", "nowhere"],
    ["SCHEDULER_ENDPOINT", "localhost"],
  ])("may not say %s=%j, and are named when they do", (name, text) => {
    const fault = faultOf({ [name]: text });
    expect(fault).toContain(name);
    expect(fault).not.toMatch(/\n|zod|NaN/);
  });

  it("are all named at once when several are wrong, and only those", () => {
    const fault = faultOf({ PORT: "x", AUTH: "x", LOG_LEVEL: "x", HOST: "localhost" });
    for (const name of ["PORT", "AUTH", "LOG_LEVEL"]) expect(fault).toContain(name);
    expect(fault).not.toContain("HOST");
  });

  it.each([
    [{ HOST: "" }, "HOST must not be empty"],
    [{ PORT: "65536" }, "PORT must be a whole number from 0 to 65535"],
    [{ LOG_LEVEL: "INFO" }, "LOG_LEVEL must be one of debug, info, warn, error"],
    [{ AUTH: "keys" }, "AUTH must be off: the local runtime has no keys yet"],
    [{ SQS_ENDPOINT: "nowhere" }, "SQS_ENDPOINT must be an http or https URL"],
    [
      { DEDUPE_WINDOW_SECONDS: "86401", RETENTION_DAYS: "1" },
      "DEDUPE_WINDOW_SECONDS must be at most 86400, the seconds of RETENTION_DAYS: a key would outlive its job",
    ],
  ])("are told in plain words: %j", (environment, fault) => {
    expect(faultOf(environment)).toBe(`wrong setting: ${fault}`);
  });

  it("may hold a dedupe key for just as long as its job is kept", () => {
    expect(
      readSettings({ DEDUPE_WINDOW_SECONDS: "86400", RETENTION_DAYS: "1" }).DEDUPE_WINDOW_SECONDS,
    ).toBe(86_400);
  });

  it("say which entry of the allow list is wrong", () => {
    expect(faultOf({ DESTINATION_ALLOW: "::1,nowhere:80" })).toContain('"nowhere:80"');
  });
});

describe("the documentation of the settings", () => {
  it("has a sentence and the default of every one", () => {
    const docs = settingDocs();
    for (const { description } of docs) expect(description.length).toBeGreaterThan(10);
    expect(Object.fromEntries(docs.map((doc) => [doc.name, doc.default]))).toEqual({
      ...Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, String(value)])),
      DYNOXIDE_BIN: "",
      DYNAMODB_ENDPOINT: "",
      SQS_ENDPOINT: "",
      SCHEDULER_ENDPOINT: "",
    });
  });
});
