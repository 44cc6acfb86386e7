/**
 * The stage for local servers that speak AWS's protocols (LocalStack, MiniStack): the same templates
 * as any other stage. Only what such a server cannot do is changed here, with the reason.
 */
export const LOCAL_STAGE = "local";

/** The account of such servers. */
export const LOCAL_ACCOUNT = "000000000000";

export const localStage = {
  // It may be thrown away, as the server itself forgets everything.
  development: true,
  // What one sends jobs to while developing lies on the same machine, or around the container; in
  // the cloud these addresses would be the function's own.
  destinationAllow: ["127.0.0.0/8", "::1/128", "host.docker.internal"],
};

/**
 * MiniStack asks for an action named after each call; AWS has none for batches
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html).
 */
export const localSendActions = ["sqs:SendMessage", "sqs:SendMessageBatch"];

/**
 * MiniStack looks for every schedule in this group when it asks a policy; AWS in its own
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html).
 */
export const localScheduleGroups = ["default"];

/**
 * Why the stage must not be deployed with this environment, if it must not: in the cloud its
 * functions would send to their own loopback address, where Lambda's runtime API listens.
 */
export const refusalOfLocalStage = (environment: NodeJS.ProcessEnv): string | undefined =>
  environment["AWS_ENDPOINT_URL"] && environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] !== "true"
    ? undefined
    : `stage: "${LOCAL_STAGE}" is for local servers, and AWS_ENDPOINT_URL names none`;

/**
 * What talks to a local server. Never the caller's own credentials: any will do, and the CDK remembers
 * which account a key belongs to.
 */
export const localEnvironment = (environment: NodeJS.ProcessEnv): Record<string, string> => ({
  AWS_ENDPOINT_URL: environment["AWS_ENDPOINT_URL"] || "http://127.0.0.1:4566",
  AWS_REGION: environment["AWS_REGION"] || "us-east-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  // Empty, as if they were not there.
  AWS_SESSION_TOKEN: "",
  AWS_PROFILE: "",
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "",
});
