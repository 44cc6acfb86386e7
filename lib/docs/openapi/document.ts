import { stringify } from "yaml";
import { createDocument } from "zod-openapi";
import { version } from "../../../lambdas/core/version.ts";
import { paths } from "./paths.ts";
import { unmatched } from "./responses.ts";

const description = `PulseGate accepts a job, answers at once, and sees to it that the job is carried out at least once:
now or at a later time, with retries, and with every attempt on record.

JSON in and out; times are RFC 3339 in UTC with milliseconds; ids are opaque. What does not apply is
null, never missing. Members may be added to answers: ignore those you do not know.

Every refusal of ours is \`application/problem+json\` (RFC 9457) with a \`code\` and every mistake of the
request at once. What fits no path of this description is 404, and a method that a path does not have
is 405 with \`Allow\`; \`x-unmatched\` describes both. A query parameter that is unknown, empty or repeated
is 400.
`;

/** The API's description, printed from the schemas that requests are parsed by and answers typed by. */
export const openApiDocument = () => {
  const { components, ...document } = createDocument(
    {
      openapi: "3.1.1",
      info: {
        title: "PulseGate",
        version,
        summary: "Reliable job and webhook dispatch in your own AWS account",
        description,
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [
        { url: "/", description: "Where this description was read from" },
        {
          url: "https://{api}.execute-api.{region}.amazonaws.com",
          description: "In an AWS account; `npm run deploy` prints the address",
          variables: {
            api: { default: "a1b2c3d4e5", description: "The id of the HTTP API" },
            region: { default: "eu-central-1" },
          },
        },
      ],
      tags: [
        { name: "Jobs", description: "Accept, watch, cancel and retry jobs" },
        { name: "Signatures", description: "What a tenant's webhooks are signed with" },
        { name: "System", description: "How the system is, and what it offers; open to everybody" },
      ],
      paths,
      components: {
        responses: { ...unmatched },
        securitySchemes: {
          sigv4: {
            type: "apiKey",
            in: "header",
            name: "Authorization",
            description: "AWS Signature Version 4 for the service `execute-api`, by the gateway.",
            "x-amazon-apigateway-authtype": "awsSigv4",
          },
        },
      },
    },
    {
      // Answers are open: a member that a later version adds must break no generated client.
      override: ({ jsonSchema, io }) => {
        if (io === "output" && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      },
    },
  );
  const { UnknownRoute, MethodNotAllowed, ...responses } = components?.responses ?? {};
  return {
    ...document,
    "x-unmatched": { 404: UnknownRoute, 405: MethodNotAllowed },
    components: { ...components, responses },
  };
};

/** openapi/openapi.yaml. */
export const openApiYaml = (): string =>
  `# Printed from the schemas of lambdas/contract and lambdas/channels by \`npm run generate\`.\n${stringify(
    openApiDocument(),
    // Quotes what older readers would take for a date.
    { version: "1.1", aliasDuplicateObjects: false, blockQuote: "literal", lineWidth: 0 },
  )}`;

/** lambdas/functions/system/openapi.json: the same, as the API serves it. */
export const openApiJson = (): string => JSON.stringify(openApiDocument());
