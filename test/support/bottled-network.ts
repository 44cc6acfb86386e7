import dns from "node:dns";
import type { LookupAddress, LookupAllOptions } from "node:dns";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isIP } from "node:net";

/**
 * Loaded into a process before all else (`node --import`), it shuts that process up in a bottle: its
 * names are looked up at a test's name server, every connection that it opens is written down, and
 * whatever would leave the machine leads to 127.0.0.1 instead, at the same port. So a test sees what
 * a process would have reached, and nothing is reached.
 */
const { nameServerPort, log } = JSON.parse(process.env["BOTTLED_NETWORK"] ?? "") as {
  readonly nameServerPort: number;
  readonly log: string;
};

const resolver = new dns.promises.Resolver({ timeout: 400, tries: 1 });
resolver.setServers([`127.0.0.1:${nameServerPort}`]);

type Callback = (error: Error | null, addresses: readonly LookupAddress[]) => void;

const systemLookup = dns.lookup;
/** As the system's own look-up asks for both families, follows aliases, and words its failures. */
const lookup = (hostname: string, options: LookupAllOptions, callback: Callback): void => {
  if (isIP(hostname)) return systemLookup(hostname, options, callback);
  const ask = async () => {
    const asked = await Promise.allSettled([
      resolver.resolve4(hostname),
      resolver.resolve6(hostname),
    ]);
    const found = asked.flatMap((one, index) =>
      one.status === "fulfilled"
        ? one.value.map((address) => ({ address, family: index === 0 ? 4 : 6 }))
        : [],
    );
    const isUnknown = asked.every(
      (one) =>
        one.status === "rejected" &&
        /ENOTFOUND|ENODATA/.test((one.reason as { code: string }).code),
    );
    const code = isUnknown ? "ENOTFOUND" : "EAI_AGAIN";
    const error = Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), {
      code,
      syscall: "getaddrinfo",
      hostname,
    });
    return { found, error: found.length > 0 ? null : error };
  };
  void ask().then(({ found, error }) => callback(error, found));
};
Object.assign(dns, { lookup });
syncBuiltinESMExports();

type Connect = (request: object, address: string, port: number) => number;
interface TcpWrap {
  readonly TCP: { readonly prototype: { connect: Connect; connect6: Connect } };
}
const { prototype } = (process as unknown as { binding(name: string): TcpWrap }).binding(
  "tcp_wrap",
).TCP;
const { connect, connect6 } = prototype;
const bottled = (open: Connect, isLoopback: (address: string) => boolean): Connect =>
  function (this: object, request, address, port) {
    appendFileSync(log, `${JSON.stringify({ address, port })}\n`);
    if (isLoopback(address)) return open.call(this, request, address, port);
    return connect.call(this, request, "127.0.0.1", port);
  };
prototype.connect = bottled(connect, (address) => address.startsWith("127."));
prototype.connect6 = bottled(connect6, (address) => address === "::1");
