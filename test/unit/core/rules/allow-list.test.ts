import { describe, expect, it } from "vitest";
import {
  judgeHost,
  mayConnectTo,
  parseAllowList,
} from "../../../../lambdas/core/rules/destination-policy.ts";

describe("an allow list", () => {
  it("permits the addresses of its ranges and no others", () => {
    const allow = parseAllowList("10.1.0.0/16, fd00:1::/32");
    expect(mayConnectTo("10.1.0.0", allow)).toBe(true);
    expect(mayConnectTo("10.1.255.255", allow)).toBe(true);
    expect(mayConnectTo("10.0.255.255", allow)).toBe(false);
    expect(mayConnectTo("10.2.0.0", allow)).toBe(false);
    expect(mayConnectTo("fd00:1::1", allow)).toBe(true);
    expect(mayConnectTo("fd00:2::1", allow)).toBe(false);
    expect(mayConnectTo("127.0.0.1", allow)).toBe(false);
    expect(mayConnectTo("8.8.8.8", allow)).toBe(true);
  });

  it("permits an address inside IPv6 where it permits that address", () => {
    const allow = parseAllowList("127.0.0.0/8");
    expect(mayConnectTo("::ffff:127.0.0.1", allow)).toBe(true);
    expect(mayConnectTo("64:ff9b::7f00:1", allow)).toBe(true);
    expect(mayConnectTo("2002:7f00:1::", allow)).toBe(true);
    expect(mayConnectTo("::ffff:10.0.0.1", allow)).toBe(false);
    expect(mayConnectTo("::1", allow)).toBe(false);
  });

  it("permits a single address", () => {
    const allow = parseAllowList("192.168.1.7,::1");
    expect(mayConnectTo("192.168.1.7", allow)).toBe(true);
    expect(mayConnectTo("192.168.1.8", allow)).toBe(false);
    expect(mayConnectTo("::1", allow)).toBe(true);
    expect(mayConnectTo("::2", allow)).toBe(false);
  });

  it("permits a host by name, in any case, with or without the final dot, and no host beside it", () => {
    const allow = parseAllowList("Receiver.Internal,a_b,localhost");
    expect(judgeHost("receiver.internal", allow)).toBe("allowed");
    expect(judgeHost("receiver.internal.", allow)).toBe("allowed");
    expect(judgeHost("a_b", allow)).toBe("allowed");
    expect(judgeHost("localhost", allow)).toBe("allowed");
    expect(judgeHost("sub.receiver.internal", allow)).toBe("look_up");
    expect(judgeHost("sub.localhost", allow)).toBe("forbidden");
    expect(mayConnectTo("127.0.0.1", allow)).toBe(false);
  });

  it("may be empty, and may have blanks and empty entries", () => {
    expect(parseAllowList("")).toEqual({ hosts: new Set(), ranges: [] });
    expect(parseAllowList(" , ,")).toEqual({ hosts: new Set(), ranges: [] });
    const allow = parseAllowList(" 10.0.0.0/8 ,\treceiver.internal ");
    expect(mayConnectTo("10.0.0.1", allow)).toBe(true);
    expect(allow.hosts).toEqual(new Set(["receiver.internal"]));
  });

  it.each([
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/",
    "10.0.0.256/8",
    "256.0.0.1",
    "1.2.3.4.5",
    "fd00::/129",
    "fd00:::1",
    "[::1]",
    "http://receiver.internal",
    "receiver.internal:8080",
    "receiver.internal/path",
    "*.internal",
    "*",
    "-a",
    "a b",
    "a@b",
  ])("names the entry that is neither host nor range: %j", (entry) => {
    expect(() => parseAllowList(`127.0.0.0/8,${entry},receiver.internal`)).toThrow(`"${entry}"`);
  });

  it.each(["10", "8080", "10.0.0", "10.0/8", "0x7f.1", "010.0.0.0/8"])(
    "refuses a number that is hardly meant as the address it could be read as: %s",
    (entry) => {
      expect(() => parseAllowList(entry)).toThrow(`"${entry}"`);
    },
  );
});
