import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

/** What Lambda tells a function of its invocation. */
export const lambdaContext = (functionName: string, timeoutMs: number): Context => {
  const deadlineMs = Date.now() + timeoutMs;
  const ended = () => undefined;
  return {
    functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: "512",
    awsRequestId: randomUUID(),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
    done: ended,
    fail: ended,
    succeed: ended,
  };
};
