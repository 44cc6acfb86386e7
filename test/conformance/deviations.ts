/** The suites of this folder. */
export type SuiteName =
  "DynamoDB" | "SQS" | "Scheduler" | "JobStore" | "JobList" | "JobQueue" | "JobScheduler";

/** A test that a server fails, where AWS, by its own word, would not. */
export interface Deviation {
  readonly server: "dynoxide" | "fauxqs" | "our Scheduler" | "DynamoDB Local" | "MiniStack";
  readonly suite: SuiteName;
  /** The title of the test. */
  readonly test: string;
  readonly does: string;
  readonly aws: string;
  /** Where AWS says so. */
  readonly page: string;
  /** Why our code holds all the same. */
  readonly held: string;
}

/**
 * Every deviation that is known. Its test must fail: an entry goes as soon as the server is mended.
 * `npm run generate` prints them into docs/emulators.md.
 */
export const deviations: readonly Deviation[] = [];
