import { DynamoDBServiceException } from "@aws-sdk/client-dynamodb";

/** What the server refuses as wrong, whatever the table holds. */
export const refuse = (message: string): never => {
  throw new DynamoDBServiceException({
    name: "ValidationException",
    $fault: "client",
    $metadata: { httpStatusCode: 400 },
    message,
  });
};

/** What the server could do and this one cannot: loud, so that no simulation runs on a guess. */
export const unsupported = (what: string): never => {
  throw new Error(`the simulated DynamoDB does not support ${what}`);
};

/** A request says nothing that would be overlooked here. */
export const refuseOthers = (what: string, input: object, supported: ReadonlySet<string>): void => {
  for (const name of Object.keys(input)) {
    if (supported.has(name)) continue;
    if ((input as Record<string, unknown>)[name] !== undefined) unsupported(`${name} of ${what}`);
  }
};
