import type { Attempt } from "../core/attempt-ports.ts";
import type { Channel, Transports } from "./channel.ts";
import { webhook } from "./webhook.ts";

/** Every kind of delivery. A new one is its file and a line here. */
const channels: readonly Channel[] = [webhook];

const byJobType = new Map(
  channels.flatMap((channel) => channel.jobTypes.map((type) => [type, channel] as const)),
);

/** The channel whose destination a job must carry: the webhook's, where no other serves its type. */
export const channelOf = (jobType: string): Channel => byJobType.get(jobType) ?? webhook;

/** Carries a job out by the channel that serves its type; a type that none serves fails for good. */
export const attemptVia =
  (transports: Transports): Attempt =>
  async (job, startedAtMs) => {
    const channel = byJobType.get(job.type);
    if (channel) return channel.attempt(job, transports, startedAtMs);
    return {
      kind: "permanent",
      error: `protocol: no handler serves jobs of type "${job.type}"`,
      httpStatus: null,
      responseExcerpt: null,
    };
  };
