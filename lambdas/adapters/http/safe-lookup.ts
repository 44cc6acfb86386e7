import { lookup } from "node:dns";
import type { LookupAddress, LookupAllOptions } from "node:dns";
import type { LookupFunction } from "node:net";
import { mayConnectTo } from "../../core/rules/destination-policy.ts";
import type { AllowList } from "../../core/rules/destination-policy.ts";

/** The destination resolves to an address that nobody may be sent to. */
export class ForbiddenDestination extends Error {
  constructor(host: string) {
    super(`a private, loopback or otherwise reserved address: ${host}`);
    this.name = "ForbiddenDestination";
  }
}

/** How names are looked up. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A look-up that gives only addresses that may be connected to, for use where the socket is opened:
 * so the address that was checked is the one that is used. One forbidden address forbids the name.
 */
export const safeLookup =
  (allow: AllowList, resolve: Resolve = lookup): LookupFunction =>
  (hostname, options, callback) => {
    const find = isLocalhost(hostname) ? resolveLocalhost(allow) : resolve;
    find(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const isSafe =
        allow.hosts.has(hostname.toLowerCase().replace(/\.$/, "")) ||
        addresses.every(({ address }) => mayConnectTo(address, allow));
      if (!isSafe) return callback(new ForbiddenDestination(hostname), []);
      const [first] = addresses;
      if (options.all) return callback(null, addresses);
      return callback(null, first?.address ?? "", first?.family);
    });
  };

/**
 * RFC 6761 gives all localhost names to the loopback, and a resolver that knows none of them may
 * ask the network.
 */
const resolveLocalhost =
  (allow: AllowList): Resolve =>
  (_hostname, { family }, callback) => {
    const loopback: LookupAddress[] = [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 },
    ];
    const permitted = loopback.filter(({ address }) => mayConnectTo(address, allow));
    const wanted = permitted.filter((address) => !family || family === address.family);
    callback(null, permitted.length === 0 ? loopback : wanted);
  };

const isLocalhost = (hostname: string): boolean => /(^|\.)localhost\.?$/i.test(hostname);
