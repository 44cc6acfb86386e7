/** `pulsegate/client`: PulseGate's API for TypeScript and Node, on nothing but `fetch`. */
export { PulseGate } from "./pulsegate.ts";
export type { JobInput } from "./arguments.ts";
export type { BatchOptions, KeyedCallOptions, ListOptions, PulseGateOptions } from "./pulsegate.ts";
export { PulseGateError } from "./error.ts";
export type { ErrorCode } from "./error.ts";
export type { Paged } from "./paged.ts";
export type { CallOptions } from "./transport.ts";
export type {
  DestinationMethod,
  JobDestination,
  JobFilter,
  JobRequest,
  JobStatus,
  Priority,
  RetryRequest,
} from "./job-request.ts";
export type {
  DeletedSigningSecret,
  PutSigningSecret,
  SigningSecret,
  SigningSecretRequest,
} from "./signing-secrets.ts";
export type {
  AcceptedJob,
  AttemptView,
  BatchItem,
  CancelledJob,
  JobView,
  JobViewWithPayload,
  Mistake,
  Page,
  ProblemView,
  Readiness,
  RetriedJob,
} from "./views.ts";
