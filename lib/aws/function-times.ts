import { LEASE_SECONDS, queues } from "../topology.ts";
import type { FunctionTopology, QueueName } from "../topology.ts";

/**
 * A function that claims jobs cannot outlive its claim, and the message of a dead worker comes back
 * only when the claim is over: timeout ≤ lease ≤ visibility − timeout. So two workers never hold
 * one job. Any other function's queue must hide a message as long as the function may run, or
 * Lambda refuses it (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
 * AWS's advice of six times the timeout is for those who have no claim: here an early redelivery is
 * harmless, and a dead worker's jobs come back sooner.
 *
 * @throws Error that names the function and the figures that do not fit
 */
export function checkTimes(
  name: string,
  { timeoutSeconds, settings, triggers = [] }: FunctionTopology,
  visibilityOf = (queue: QueueName) => queues[queue].visibilitySeconds,
): void {
  const claims = settings.includes("LEASE_SECONDS");
  if (claims && timeoutSeconds > LEASE_SECONDS) {
    throw new Error(`${name}: timeout ${timeoutSeconds} s is over the lease of ${LEASE_SECONDS} s`);
  }
  const needed = timeoutSeconds + (claims ? LEASE_SECONDS : 0);
  for (const { queue } of triggers) {
    const visibility = visibilityOf(queue);
    if (visibility < needed) {
      throw new Error(`${name}: visibility of ${queue}, ${visibility} s, is under ${needed} s`);
    }
  }
}
