import type { SQSClient } from "@aws-sdk/client-sqs";
import { describeConformance } from "./describe-conformance.ts";
import { stateBatches } from "./sqs-batches.ts";
import { stateDelivery } from "./sqs-delivery.ts";
import { stateVisibility } from "./sqs-visibility.ts";

/** What a server of SQS does, as far as PulseGate leans on it. */
export const describeSqs = (what: string, clientOf: () => SQSClient): void => {
  describeConformance("SQS", what, (state) => {
    stateDelivery(state, clientOf);
    stateVisibility(state, clientOf);
    stateBatches(state, clientOf);
  });
};
