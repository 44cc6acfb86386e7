import type { makeBuryJob } from "../../core/usecases/bury-job.ts";
import { queueConsumer } from "../../middleware/queue.ts";
import type { QueueConsumerDeps } from "../../middleware/queue.ts";

export interface Deps extends QueueConsumerDeps {
  readonly buryJob: ReturnType<typeof makeBuryJob>;
}

/** The dead-letter queue's messages: sent back while there is hope, buried when there is none. */
export const makeHandler = (deps: Deps) => queueConsumer(deps, deps.buryJob);
