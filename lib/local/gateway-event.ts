import type { IncomingMessage } from "node:http";
import type { APIGatewayProxyEventV2 } from "aws-lambda";

/** What API Gateway hands on as text; everything else arrives in base64. */
const TEXT = /^\s*(text\/|application\/(json|xml|javascript)\s*(;|$))/i;

/** A request as an event of payload format 2.0, and its decoded path; its route is found later. */
export const gatewayEvent = (
  request: IncomingMessage,
  body: Buffer,
  requestId: string,
): { readonly event: APIGatewayProxyEventV2; readonly path: string } => {
  const { method = "GET", url = "/" } = request;
  const [rawPath = "/", ...query] = url.split("?");
  const rawQueryString = query.join("?");
  const path = decodedPath(rawPath);
  const { cookie, ...headers } = joinedHeaders(request.rawHeaders);
  const parameters = joinedParameters(rawQueryString);
  const isText = TEXT.test(headers["content-type"] ?? "") && isUtf8(body);
  const now = new Date();
  const event: APIGatewayProxyEventV2 = {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers,
    ...(Object.keys(parameters).length === 0 ? {} : { queryStringParameters: parameters }),
    requestContext: {
      accountId: "000000000000",
      apiId: "local",
      domainName: headers["host"] ?? "localhost",
      domainPrefix: "localhost",
      http: {
        method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId,
      routeKey: "$default",
      stage: "$default",
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length === 0 ? {} : { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
  return { event, path };
};

/** Names in lower case, repeated headers joined by comma. */
const joinedHeaders = (rawHeaders: readonly string[]): Record<string, string> => {
  const headers = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return Object.fromEntries(headers);
};

const joinedParameters = (rawQueryString: string): Record<string, string> => {
  const parameters = new URLSearchParams(rawQueryString);
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name).join(",")]),
  );
};

const decodedPath = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};
