import { createSocket } from "node:dgram";
import type { AddressInfo } from "node:net";

/** What a name server says of a name: addresses and an alias, nothing but a code, or not a word. */
export type Answers =
  | { readonly cname?: string; readonly a?: readonly string[]; readonly aaaa?: readonly string[] }
  | "NXDOMAIN"
  | "SERVFAIL"
  | "REFUSED"
  | "silence"
  | "noise";

/** A DNS server on loopback that says what a test has put into its zone. */
export interface NameServer {
  readonly port: number;
  /** What was asked, as `name type`, in order. */
  readonly asked: readonly string[];
  /** Each look-up has the next answer, and further ones the last. */
  set(name: string, ...answers: readonly Answers[]): void;
  stop(): Promise<void>;
}

const TYPES = { a: 1, cname: 5, aaaa: 28 } as const;
const CODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

export const startNameServer = async (): Promise<NameServer> => {
  const zone = new Map<string, readonly Answers[]>();
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const { name, type, question } = readQuestion(query);
    const earlier = asked.filter((one) => one === `${name} ${type}`).length;
    asked.push(`${name} ${type}`);
    const all = zone.get(name) ?? ["NXDOMAIN"];
    const answers = all[Math.min(earlier, all.length - 1)] ?? "NXDOMAIN";
    if (answers === "silence") return;
    if (answers === "noise") return socket.send("no DNS at all", port, address);
    socket.send(replyTo(query, question, type, answers), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    port: (socket.address() as AddressInfo).port,
    asked,
    set: (name, ...answers) => void zone.set(name.toLowerCase(), answers),
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  };
};

/** RFC 1035, section 4.1.2; there is one question. */
const readQuestion = (query: Buffer) => {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = query.readUInt16BE(at + 1);
  const type = Object.entries(TYPES).find(([, known]) => known === number)?.[0] ?? String(number);
  return { name: labels.join(".").toLowerCase(), type, question: query.subarray(12, at + 5) };
};

const replyTo = (
  query: Buffer,
  question: Buffer,
  type: string,
  answers: Exclude<Answers, "silence" | "noise">,
): Buffer => {
  const records = typeof answers === "string" ? [] : recordsOf(answers, type);
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  const code = typeof answers === "string" ? CODES[answers] : 0;
  head.writeUInt16BE(0x8580 | code, 2); // an answer, with authority, recursion as wanted
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question, ...records]);
};

const recordsOf = (
  { cname, a = [], aaaa = [] }: Exclude<Answers, string>,
  type: string,
): readonly Buffer[] => {
  // 0xc00c points to the name in the question.
  const owner = cname === undefined ? Buffer.from([0xc0, 0x0c]) : encodeName(cname);
  const alias =
    cname === undefined ? [] : [record(Buffer.from([0xc0, 0x0c]), TYPES.cname, encodeName(cname))];
  const addresses =
    type === "a"
      ? a.map((address) => record(owner, TYPES.a, Buffer.from(address.split(".").map(Number))))
      : type === "aaaa"
        ? aaaa.map((address) => record(owner, TYPES.aaaa, bytesOfV6(address)))
        : [];
  return [...alias, ...addresses];
};

const record = (owner: Buffer, type: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(0, 4); // nobody may remember it
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, head, data]);
};

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.from([0]),
  ]);

/** The URL standard writes an address without an IPv4 part; then only `::` is left to fill in. */
const bytesOfV6 = (address: string): Buffer => {
  const normal = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [before = [], after = []] = normal
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const groups = [
    ...before,
    ...Array<string>(8 - before.length - after.length).fill("0"),
    ...after,
  ];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
};
