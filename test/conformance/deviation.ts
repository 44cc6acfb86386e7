/** The suites of this folder, and what is asked of a deployment. */
export type SuiteName =
  | "DynamoDB"
  | "SQS"
  | "Scheduler"
  | "JobStore"
  | "JobList"
  | "RateBuckets"
  | "JobQueue"
  | "JobScheduler"
  | "Policies"
  | "black box";

/** Which suites run over which server, so that no entry can be for one that never runs. */
type Run =
  | {
      readonly server: "dynoxide" | "DynamoDB Local";
      readonly suite: "DynamoDB" | "JobStore" | "JobList" | "RateBuckets";
    }
  | { readonly server: "fauxqs"; readonly suite: "SQS" | "JobQueue" }
  | { readonly server: "our Scheduler"; readonly suite: "Scheduler" | "JobScheduler" }
  | { readonly server: "MiniStack"; readonly suite: Exclude<SuiteName, "black box"> }
  /** Its file, in `test/blackbox/`. */
  | { readonly server: "MiniStack"; readonly suite: "black box"; readonly file: string };

/** A test that a server fails, where AWS, by its own word, would not. */
export type Deviation = Run & {
  /** The title of the test. */
  readonly test: string;
  /** The failure, as `name: message`, that shows it: no other one is taken for it. */
  readonly failsWith: RegExp;
  readonly does: string;
  readonly aws: string;
  /** Where AWS says so. */
  readonly page: `https://docs.aws.amazon.com/${string}`;
  /** Why our code holds all the same. */
  readonly held: string;
};
