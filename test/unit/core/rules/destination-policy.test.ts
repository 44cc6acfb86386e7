import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  judgeHost,
  mayConnectTo,
  parseAllowList,
} from "../../../../lambdas/core/rules/destination-policy.ts";

const nobody = parseAllowList("");
const may = (address: string): boolean => mayConnectTo(address, nobody);

/** IANA's registries: name, first and last address, and what lies just outside and is public. */
const v4Ranges: readonly (readonly [string, string, string, ...string[]])[] = [
  ["this network", "0.0.0.0", "0.255.255.255", "1.0.0.0"],
  ["private use 10/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"],
  ["shared address space", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"],
  ["loopback", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"],
  ["link local", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"],
  ["private use 172.16/12", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"],
  ["protocol assignments", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"],
  ["documentation 1", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"],
  ["AS112-v4", "192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"],
  ["AMT", "192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"],
  ["6to4 relay", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"],
  ["private use 192.168/16", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"],
  ["direct delegation AS112", "192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"],
  ["benchmarking", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"],
  ["documentation 2", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"],
  ["documentation 3", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"],
  ["multicast", "224.0.0.0", "239.255.255.255", "223.255.255.255"],
  ["reserved and limited broadcast", "240.0.0.0", "255.255.255.255"],
];

const END = "ffff:ffff:ffff:ffff";
const v6Ranges: readonly (readonly [string, string, string, ...string[]])[] = [
  ["unspecified and loopback", "::", "::1"],
  ["local-use translation", "64:ff9b:1::", `64:ff9b:1:ffff:${END}`],
  ["discard only", "100::", `100::${END}`],
  ["dummy prefix", "100:0:0:1::", `100:0:0:1:${END}`],
  ["below global unicast", "1000::", `1fff:ffff:ffff:ffff:${END}`, "2000::"],
  [
    "protocol assignments, Teredo and ORCHID",
    "2001::",
    `2001:1ff:ffff:ffff:${END}`,
    `2000:ffff:ffff:ffff:${END}`,
    "2001:200::",
  ],
  [
    "documentation",
    "2001:db8::",
    `2001:db8:ffff:ffff:${END}`,
    `2001:db7:ffff:ffff:${END}`,
    "2001:db9::",
  ],
  [
    "direct delegation AS112",
    "2620:4f:8000::",
    `2620:4f:8000:ffff:${END}`,
    `2620:4f:7fff:ffff:${END}`,
    "2620:4f:8001::",
  ],
  [
    "documentation of 2024",
    "3fff::",
    `3fff:fff:ffff:ffff:${END}`,
    `3ffe:ffff:ffff:ffff:${END}`,
    "3fff:1000::",
  ],
  ["above global unicast", "4000::", `5eff:ffff:ffff:ffff:${END}`, `3fff:ffff:ffff:ffff:${END}`],
  ["segment routing", "5f00::", `5f00:ffff:ffff:ffff:${END}`],
  ["unique local", "fc00::", `fdff:ffff:ffff:ffff:${END}`],
  ["link local", "fe80::", `febf:ffff:ffff:ffff:${END}`],
  ["site local", "fec0::", `feff:ffff:ffff:ffff:${END}`],
  ["multicast", "ff00::", `ffff:ffff:ffff:ffff:${END}`],
];

describe("a special-purpose range", () => {
  it.each([...v4Ranges, ...v6Ranges])("is refused from end to end: %s", (_name, first, last) => {
    expect([may(first), may(last)]).toEqual([false, false]);
  });

  it.each([...v4Ranges, ...v6Ranges])(
    "ends where it ends: %s",
    (_name, _first, _last, ...outside) => {
      for (const address of outside) expect(may(address), address).toBe(true);
    },
  );

  it.each(v4Ranges)("is refused inside IPv6 too: %s", (_name, first, last) => {
    for (const spelling of [first, last].flatMap(insideV6))
      expect(may(spelling), spelling).toBe(false);
  });

  it.each(v4Ranges)(
    "ends where it ends inside IPv6 too: %s",
    (_name, _first, _last, ...outside) => {
      for (const spelling of outside.flatMap(insideV6)) expect(may(spelling), spelling).toBe(true);
    },
  );

  it("covers every address of it and no public one, as a table of numbers tells them", () => {
    const ranges = v4Ranges.map(([, first, last]) => [numberOf(first), numberOf(last)] as const);
    const nearBorder = fc
      .tuple(fc.constantFrom(...ranges.flat()), fc.integer({ min: -3, max: 3 }))
      .map(([border, offset]) => Math.min(2 ** 32 - 1, Math.max(0, border + offset)));
    fc.assert(
      fc.property(fc.oneof(fc.nat(2 ** 32 - 1), nearBorder), (number) => {
        const isSpecial = ranges.some(([first, last]) => first <= number && number <= last);
        const address = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
        expect(may(address)).toBe(!isSpecial);
        for (const spelling of insideV6(address)) expect(may(spelling)).toBe(!isSpecial);
      }),
      { numRuns: 1_000 },
    );
  });

  it("does not hold what the public internet lives on", () => {
    const known = [
      "8.8.8.8",
      "1.1.1.1",
      "52.94.236.248",
      "2001:4860:4860::8888",
      "2606:4700::1111",
    ];
    for (const address of known) expect(may(address), address).toBe(true);
  });

  it("is no question for what is no address", () => {
    expect(() => may("receiver.example")).toThrow();
    expect(() => may("")).toThrow();
  });
});

describe("a host in a URL", () => {
  const judged = (url: string, allow = nobody) => judgeHost(new URL(url).hostname, allow);

  it.each([
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0X7F.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://127.0.0.01/",
    "http://%31%32%37.0.0.1/",
    "http://%6c%6f%63%61lhost/",
    "http://127。0。0。1/",
    "http://１２７.０.０.１/",
    "http://①②⑦.0.0.1/",
    "http://0/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[FE80::1]/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://a.b.localhost/",
    "http://a.localhost./",
    "http://user:pass@10.0.0.1:8080/",
  ])("is forbidden in any notation: %s", (url) => {
    expect(judged(url)).toBe("forbidden");
  });

  it.each([
    "http://8.8.8.8/",
    "http://134744072/",
    "http://[2606:4700::1111]/",
    "http://[::ffff:8.8.8.8]/",
  ])("is allowed where it is a public address: %s", (url) => {
    expect(judged(url)).toBe("allowed");
  });

  it.each([
    "http://receiver.example/",
    "http://localhost.example/",
    "http://notlocalhost/",
    "http://127.0.0.1.example/",
    "http://10.0.0.1.nip.io/",
    "http://bücher.example/",
  ])("is looked up where it is a name: %s", (url) => {
    expect(judged(url)).toBe("look_up");
  });

  it("may be a localhost name only where loopback is permitted, and then by what it resolves to", () => {
    for (const text of ["127.0.0.0/8", "::1/128", "127.0.0.0/8,::1/128"]) {
      expect(judged("http://localhost:3000/", parseAllowList(text))).toBe("look_up");
      expect(judged("http://a.localhost./", parseAllowList(text))).toBe("look_up");
    }
    expect(judged("http://localhost/", parseAllowList("10.0.0.0/8"))).toBe("forbidden");
  });
});

/** Mapped, translated, compatible, NAT64, 6to4. */
function insideV6(address: string): readonly string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  return [`::ffff:${address}`, `::ffff:0:${hex}`, `::${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`];
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
