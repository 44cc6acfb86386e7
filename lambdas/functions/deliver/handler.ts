import type { makeDeliverJob } from "../../core/usecases/deliver-job.ts";
import { queueConsumer } from "../../middleware/queue.ts";
import type { QueueConsumerDeps } from "../../middleware/queue.ts";

export interface Deps extends QueueConsumerDeps {
  readonly deliverJob: ReturnType<typeof makeDeliverJob>;
}

/** A delivery queue's messages: each asks for one attempt of one job. */
export const makeHandler = (deps: Deps) => queueConsumer(deps, deps.deliverJob);
