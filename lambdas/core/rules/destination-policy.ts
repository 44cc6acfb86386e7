import ipaddr from "ipaddr.js";

/**
 * Which addresses a job may be sent to. Refused is whatever IANA lists as special purpose, so that
 * nobody reaches our own network, our cloud's metadata service or our loopback through us.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */

const FORBIDDEN_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
].map((range) => ipaddr.IPv4.parseCIDR(range));

/** Inside global unicast; all that lies outside is forbidden as a whole. */
const FORBIDDEN_V6 = ["2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"].map((range) =>
  ipaddr.IPv6.parseCIDR(range),
);

const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR("2000::/3");

/** Ranges of IPv6 that carry an IPv4 address, and at which byte it stands. */
const EMBEDDED_V4 = [
  { range: "::ffff:0:0/96", at: 12 }, // mapped
  { range: "::ffff:0:0:0/96", at: 12 }, // translated (RFC 2765)
  { range: "64:ff9b::/96", at: 12 }, // NAT64
  { range: "2002::/16", at: 2 }, // 6to4
  { range: "::/96", at: 12 }, // compatible; holds :: and ::1 too, which read as 0.0.0.0/8
].map(({ range, at }) => ({ range: ipaddr.IPv6.parseCIDR(range), at }));

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The one way to permit more than the public internet: hosts by name, addresses by range. */
export interface AllowList {
  readonly hosts: ReadonlySet<string>;
  readonly ranges: readonly [Address, number][];
}

/**
 * @param text hosts and CIDRs, separated by commas, e.g. `127.0.0.0/8,receiver.internal`
 * @throws Error that names the entry which is neither
 */
export const parseAllowList = (text: string): AllowList => {
  const hosts = new Set<string>();
  const ranges: [Address, number][] = [];
  for (const entry of text.split(",").map((part) => part.trim().toLowerCase())) {
    if (entry === "") continue;
    const range = parseRange(entry);
    if (range) ranges.push(range);
    else if (isHostName(entry)) hosts.add(entry);
    else throw new Error(`"${entry}" is neither a host nor an address range such as 10.0.0.0/8`);
  }
  return { hosts, ranges };
};

/** An address is a range of one. Numbers in short or odd notations are hardly meant as addresses. */
const parseRange = (entry: string): [Address, number] | undefined => {
  const [address = "", bits, ...more] = entry.split("/");
  if (more.length > 0) return undefined;
  const isPlain = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address);
  if (!isPlain) return undefined;
  if (bits === undefined) return ipaddr.parseCIDR(`${address}/${address.includes(":") ? 128 : 32}`);
  return /^\d+$/.test(bits) && ipaddr.isValidCIDR(entry) ? ipaddr.parseCIDR(entry) : undefined;
};

const isHostName = (entry: string): boolean =>
  /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(entry) && !/^(0x[0-9a-f]+|\d+)(\.|$)/.test(entry);

/** Whether a connection to this address is permitted. @throws Error if it is no address */
export const mayConnectTo = (address: string, allow: AllowList): boolean => {
  const parsed = ipaddr.parse(address);
  if (isWithin(parsed, allow.ranges)) return true;
  if (parsed instanceof ipaddr.IPv4) return !isWithin(parsed, FORBIDDEN_V4);

  const embedded = EMBEDDED_V4.find(({ range }) => parsed.match(range));
  if (embedded) {
    const bytes = parsed.toByteArray().slice(embedded.at, embedded.at + 4);
    return mayConnectTo(bytes.join("."), allow);
  }
  return parsed.match(GLOBAL_UNICAST_V6) && !isWithin(parsed, FORBIDDEN_V6);
};

/**
 * What can be said of a host before it is looked up.
 *
 * @param hostname as `URL` normalises it: IPv6 in brackets, every notation of IPv4 in four numbers
 */
export const judgeHost = (
  hostname: string,
  allow: AllowList,
): "allowed" | "forbidden" | "look_up" => {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (allow.hosts.has(host)) return "allowed";
  if (ipaddr.isValid(host)) return mayConnectTo(host, allow) ? "allowed" : "forbidden";
  if (host === "localhost" || host.endsWith(".localhost")) {
    const isLoopbackAllowed = mayConnectTo("127.0.0.1", allow) || mayConnectTo("::1", allow);
    return isLoopbackAllowed ? "look_up" : "forbidden";
  }
  return "look_up";
};

const isWithin = (address: Address, ranges: readonly (readonly [Address, number])[]): boolean =>
  ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
