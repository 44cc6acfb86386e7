/** Every status that a job can be shown with. */
export const jobStatuses = [
  "pending",
  "scheduled",
  "queued",
  "processing",
  "success",
  "failed",
  "dlq",
  "cancelled",
] as const;
