import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";

/**
 * For how long an idle connection is trusted. Servers close idle ones after 5 s and more (Node's own
 * default), and what they close just as we write is lost.
 */
const IDLE_MS = 4_000;
/** Idle connections to one origin, and to all. */
const MAX_IDLE_TO_ONE = 8;
const MAX_IDLE = 256;

/** Connections that were kept after an answer, for the next request to the same origin. */
export interface KeptConnections {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
  /**
   * Drops what can no longer be trusted, by the wall clock: a function may have stood still since,
   * and its timers with it. What the other side closed meanwhile is noticed before this resolves.
   */
  dropStale(): Promise<void>;
  /** Closes all of them. */
  close(): void;
}

export const keepConnections = (): KeptConnections => {
  const freeSince = new WeakMap<Duplex, number>();
  const options = { keepAlive: true, maxFreeSockets: MAX_IDLE_TO_ONE, scheduling: "lifo" } as const;
  const agents = [new HttpAgent(options), new HttpsAgent(options)] as const;
  for (const agent of agents) {
    const keep = agent.keepSocketAlive.bind(agent);
    agent.keepSocketAlive = (socket: Duplex) => {
      freeSince.set(socket, Date.now());
      // Once it says no, the socket is destroyed.
      return (keep(socket) as unknown as boolean) && idleOf(agents).length < MAX_IDLE;
    };
  }
  return {
    http: agents[0],
    https: agents[1],
    async dropStale() {
      const idle = idleOf(agents);
      if (idle.length === 0) return;
      const nowMs = Date.now();
      for (const socket of idle) {
        if (nowMs - (freeSince.get(socket) ?? 0) > IDLE_MS) socket.destroy();
      }
      // The end of a connection stands in the kernel until the event loop has asked for it.
      await turnOfTheEventLoop();
      for (const socket of idleOf(agents)) {
        // An answer that nobody asked for must not become the next one's.
        if (socket.readableLength > 0) socket.destroy();
      }
    },
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
};

const idleOf = (agents: readonly HttpAgent[]): readonly Duplex[] =>
  agents.flatMap(({ freeSockets }) => Object.values(freeSockets).flatMap((some) => some ?? []));

/** Both halves of one: what is pending is polled for between two immediates. */
const turnOfTheEventLoop = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
};
