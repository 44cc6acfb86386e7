import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";

/** What AWS bills of the calls that went through. */
export interface Bill {
  writeUnits: number;
  readUnits: number;
  /** Conditions that failed: each costs a write unit, and is among them. */
  refusedWrites: number;
  /** How often each action was called. */
  readonly calls: Map<string, number>;
}

export interface CountingProxy {
  readonly url: string;
  readonly bill: Bill;
  reset(): void;
  stop(): Promise<void>;
}

/**
 * Stands before a server of AWS's JSON protocols, on loopback, and counts. DynamoDB is asked for the
 * consumed capacity of every call; a refused write says nothing of its own, and is billed as one unit.
 */
export const startCountingProxy = async (target: string): Promise<CountingProxy> => {
  const bill: Bill = { writeUnits: 0, readUnits: 0, refusedWrites: 0, calls: new Map() };
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const [service = "", action = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
      const isTable = service.startsWith("DynamoDB");
      const text = Buffer.concat(chunks).toString();
      const body = isTable
        ? JSON.stringify({ ...(JSON.parse(text) as object), ReturnConsumedCapacity: "TOTAL" })
        : text;
      bill.calls.set(action, (bill.calls.get(action) ?? 0) + 1);
      const outgoing = forward(
        new URL(request.url ?? "/", target),
        {
          method: request.method,
          headers: { ...request.headers, "content-length": Buffer.byteLength(body) },
        },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on("data", (part: Buffer) => parts.push(part));
          answer.on("end", () => {
            const whole = Buffer.concat(parts);
            if (isTable) count(bill, action, whole.toString());
            response.writeHead(answer.statusCode ?? 502, answer.headers).end(whole);
          });
        },
      );
      outgoing.on("error", () => response.destroy());
      response.on("close", () => response.writableEnded || outgoing.destroy());
      outgoing.end(body);
    })();
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bill,
    reset() {
      Object.assign(bill, { writeUnits: 0, readUnits: 0, refusedWrites: 0 });
      bill.calls.clear();
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

interface Consumed {
  readonly CapacityUnits?: number;
}

const reads = new Set(["GetItem", "BatchGetItem", "Query", "Scan"]);

const count = (bill: Bill, action: string, text: string): void => {
  const answer = JSON.parse(text) as {
    readonly __type?: string;
    readonly ConsumedCapacity?: Consumed | readonly Consumed[];
  };
  if (answer.__type?.endsWith("ConditionalCheckFailedException")) {
    bill.refusedWrites += 1;
    bill.writeUnits += 1;
    return;
  }
  const consumed = [answer.ConsumedCapacity ?? []].flat() as readonly Consumed[];
  const units = consumed.reduce((sum, { CapacityUnits: units = 0 }) => sum + units, 0);
  if (reads.has(action)) bill.readUnits += units;
  else bill.writeUnits += units;
};

/** How often one of these was called. */
export const callsOf = ({ calls }: Bill, ...actions: readonly string[]): number =>
  actions.reduce((sum, action) => sum + (calls.get(action) ?? 0), 0);
