import type { JobMessage } from "../rules/job.ts";
import { judge } from "../rules/judge.ts";
import { afterRefusal, deleted, makeSettleMessage, renewedIfOld } from "./settle-message.ts";
import type { ReceivedMessage, SettleDeps, Verdict } from "./settle-message.ts";

/**
 * How long a message that came to the dead-letter queue waits before each further try. Together
 * they span a day: what kills every worker may be an outage of ours that passes.
 */
const REDRIVE_DELAYS_MS = [5_000, 10 * 60_000, 2 * 3_600_000, 22 * 3_600_000];

const POISON = "outcome_unknown: the job's message was never settled by any worker";

/**
 * One message of the dead-letter queue. Throttling brings healthy messages here, so the same rules
 * judge it: what could still be done is sent back, and only a message that keeps coming back is
 * poison, and its job `dlq`.
 */
export const makeBuryJob = (deps: SettleDeps) => {
  const { store, queue, clock, observer } = deps;
  const settle = makeSettleMessage(deps);

  return async (received: ReceivedMessage): Promise<Verdict> => {
    const { message, sentAtMs } = received;
    const nowMs = clock.now();
    const found = await store.read(message.jobId, nowMs);
    const decision = judge(found, message, nowMs, nowMs - sentAtMs);
    switch (decision.do) {
      case "look_again":
        return sendBack(message, 1_000);
      case "return":
        return sendBack(message, decision.afterMs);
      case "claim": {
        const redrives = (message.redrives ?? 0) + 1;
        const delayMs = REDRIVE_DELAYS_MS[redrives - 1];
        if (delayMs !== undefined) return sendBack({ ...message, redrives }, delayMs);

        const outcome = await store.giveUp(decision.job, POISON, nowMs);
        if (outcome.kind === "refused") {
          const verdict = await afterRefusal(deps, received, outcome.found);
          return renewedIfOld(deps, received, verdict);
        }
        observer.poisoned(decision.job);
        return deleted;
      }
      default:
        return renewedIfOld(deps, received, await settle(received, decision));
    }
  };

  async function sendBack(message: JobMessage, delayMs: number): Promise<Verdict> {
    await queue.send(message, clock.now() + delayMs);
    return deleted;
  }
};
