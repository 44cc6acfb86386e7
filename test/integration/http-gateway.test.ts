import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { afterEach, describe, expect, it } from "vitest";
import type { HttpFunction } from "../../lambdas/middleware/http.ts";
import { startHttpGateway } from "../../lib/local/http-gateway.ts";
import type { HttpGateway, HttpGatewayOptions } from "../../lib/local/http-gateway.ts";

const gateways: HttpGateway[] = [];
afterEach(() => Promise.all(gateways.splice(0).map((gateway) => gateway.stop())));

/** Shows the caller what the function was given. */
const echo: HttpFunction = (event) =>
  Promise.resolve({ statusCode: 200, body: JSON.stringify(event) });

const start = async (
  routes: HttpGatewayOptions["routes"] = { $default: echo },
): Promise<HttpGateway> => {
  const gateway = await startHttpGateway({ host: "127.0.0.1", port: 0, routes });
  gateways.push(gateway);
  return gateway;
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Sends path and headers as they are, where `fetch` would mend them. */
const call = async (
  { url }: HttpGateway,
  path: string,
  {
    method = "GET",
    headers = [],
    body,
  }: { method?: string; headers?: readonly string[]; body?: string | Buffer } = {},
): Promise<Answer> => {
  const { hostname, port } = new URL(url);
  const length = body === undefined ? [] : ["content-length", String(Buffer.byteLength(body))];
  const outgoing = request({
    host: hostname.replace(/^\[|\]$/g, ""),
    port,
    path,
    method,
    headers: ["host", `localhost:${port}`, ...headers, ...length],
    agent: false,
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
  };
};

const eventOf = async (...args: Parameters<typeof call>): Promise<APIGatewayProxyEventV2> => {
  const { status, text } = await call(...args);
  expect(status).toBe(200);
  return JSON.parse(text) as APIGatewayProxyEventV2;
};

describe("an event", () => {
  it("has payload format 2.0", async () => {
    const gateway = await start();
    const event = await eventOf(gateway, "/v1/jobs?limit=5", {
      method: "POST",
      headers: ["User-Agent", "curl/8", "Content-Type", "application/json"],
      body: "{}",
    });
    const host = `localhost:${new URL(gateway.url).port}`;
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/) as string;
    expect(event).toEqual({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/v1/jobs",
      rawQueryString: "limit=5",
      headers: {
        host,
        "user-agent": "curl/8",
        "content-type": "application/json",
        "content-length": "2",
        connection: "close",
      },
      queryStringParameters: { limit: "5" },
      requestContext: {
        accountId: "000000000000",
        apiId: "local",
        domainName: host,
        domainPrefix: "localhost",
        http: {
          method: "POST",
          path: "/v1/jobs",
          protocol: "HTTP/1.1",
          sourceIp: "127.0.0.1",
          userAgent: "curl/8",
        },
        requestId: uuid,
        routeKey: "$default",
        stage: "$default",
        time: expect.any(String) as string,
        timeEpoch: expect.any(Number) as number,
      },
      body: "{}",
      isBase64Encoded: false,
    });
  });

  it("has its headers in small letters, and repeated ones joined by comma", async () => {
    const headers = ["X-Request-Id", "a,b", "Idempotency-Key", "one", "IDEMPOTENCY-KEY", "two"];
    const { headers: received } = await eventOf(await start(), "/", { headers });
    expect(received).toMatchObject({ "x-request-id": "a,b", "idempotency-key": "one,two" });
  });

  it("has the header __proto__ as any other", async () => {
    const { text } = await call(await start(), "/", { headers: ["__proto__", "x"] });
    expect(text).toContain('"__proto__":"x"');
  });

  it("has its cookies in their own place", async () => {
    const event = await eventOf(await start(), "/", { headers: ["Cookie", "a=1; b=2"] });
    expect(event.cookies).toEqual(["a=1", "b=2"]);
    expect(event.headers).not.toHaveProperty("cookie");
  });

  it.each([
    ["/v1/jobs/", "/v1/jobs/"],
    ["/v1//jobs", "/v1//jobs"],
    ["/v1/jobs/job_1%3Finclude=payload", "/v1/jobs/job_1?include=payload"],
    ["/v1/jobs%2Fjob_1", "/v1/jobs/job_1"],
    ["/v1/jobs/%00", "/v1/jobs/\u0000"],
    ["/v1/%C3%BC+%25", "/v1/ü+%"],
    ["/v1/%E0%A4%A", "/v1/%E0%A4%A"],
  ])("has the path decoded: %s", async (sent, decoded) => {
    const event = await eventOf(await start(), sent);
    expect(event.rawPath).toBe(decoded);
    expect(event.requestContext.http.path).toBe(decoded);
    expect(event.rawQueryString).toBe("");
  });

  it.each([
    ["?status=failed&status=dlq", { status: "failed,dlq" }],
    ["?a=%20+b&c", { a: "  b", c: "" }],
    ["?a=b?c=d", { a: "b?c=d" }],
    ["?__proto__=x", JSON.parse('{"__proto__":"x"}') as object],
    ["?", undefined],
    ["", undefined],
  ])("has the query as it was sent, and its values decoded: %s", async (query, parameters) => {
    const event = await eventOf(await start(), `/v1/jobs${query}`);
    expect(event.rawQueryString).toBe(query.slice(1));
    expect(event.queryStringParameters).toEqual(parameters);
    expect(event.rawPath).toBe("/v1/jobs");
  });

  it.each([
    ["application/json", true],
    ["application/json; charset=UTF-8", true],
    ["Application/JSON", true],
    ["application/json;charset=utf-16", true],
    ["text/plain", true],
    ["application/xml", true],
    ["application/javascript", true],
    ["application/x-www-form-urlencoded", false],
    ["application/octet-stream", false],
    ["application/jsonx", false],
    ["application/problem+json", false],
    [undefined, false],
  ])("of a body with the type %s has it as text: %s", async (type, isText) => {
    const body = Buffer.from('{"a":"ü"}');
    const headers = type === undefined ? [] : ["Content-Type", type];
    const event = await eventOf(await start(), "/", { method: "POST", headers, body });
    expect(event.isBase64Encoded).toBe(!isText);
    expect(event.body).toBe(body.toString(isText ? "utf8" : "base64"));
  });

  it.each([
    ["that are no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["with a byte order mark", Buffer.from("\ufeff{}")],
    ["that are a compressed body", Buffer.from([0x1f, 0x8b, 0x08, 0x00])],
  ])("keeps the bytes of a body %s", async (_, body) => {
    const headers = ["Content-Type", "application/json"];
    const event = await eventOf(await start(), "/", { method: "POST", headers, body });
    const encoding = event.isBase64Encoded ? "base64" : "utf8";
    expect(Buffer.from(event.body ?? "", encoding)).toEqual(body);
  });

  it("of a request without a body has none", async () => {
    const event = await eventOf(await start(), "/", { method: "POST", body: "" });
    expect(event).not.toHaveProperty("body");
    expect(event.isBase64Encoded).toBe(false);
  });
});

describe("a route", () => {
  const named =
    (name: string): HttpFunction =>
    ({ routeKey, pathParameters, requestContext }) =>
      Promise.resolve({
        statusCode: 200,
        headers: { "x-function": name },
        body: JSON.stringify([routeKey, requestContext.routeKey, pathParameters ?? null]),
      });
  const routes = {
    "POST /v1/jobs": named("create"),
    "GET /v1/jobs/{id}": named("read"),
    "GET /v1/jobs/{id}/attempts": named("attempts"),
    "HEAD /healthz": named("health"),
    $default: named("default"),
  };

  it.each([
    ["POST", "/v1/jobs", "POST /v1/jobs", null],
    ["POST", "/v1/jobs?x=1", "POST /v1/jobs", null],
    ["GET", "/v1/jobs/job_1", "GET /v1/jobs/{id}", { id: "job_1" }],
    ["GET", "/v1/jobs/a%3Fb", "GET /v1/jobs/{id}", { id: "a?b" }],
    ["GET", "/v1/jobs/job_1/attempts", "GET /v1/jobs/{id}/attempts", { id: "job_1" }],
    ["GET", "/v1/jobs/job_1%2Fattempts", "GET /v1/jobs/{id}/attempts", { id: "job_1" }],
    ["GET", "/v1/jobs/", "$default", null],
    ["GET", "/v1/jobs/job_1/", "$default", null],
    ["GET", "/v1//jobs", "$default", null],
    ["GET", "//v1/jobs/job_1", "$default", null],
    ["GET", "/V1/jobs/job_1", "$default", null],
    ["GET", "/v1/jobs", "$default", null],
    ["PUT", "/v1/jobs", "$default", null],
    ["OPTIONS", "/v1/jobs", "$default", null],
    ["GET", "/healthz", "$default", null],
  ])("of %s %s is %s", async (method, path, routeKey, parameters) => {
    const { status, text } = await call(await start(routes), path, { method });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual([routeKey, routeKey, parameters]);
  });

  it("of HEAD is its own, and its answer has no body", async () => {
    const { status, headers, text } = await call(await start(routes), "/healthz", {
      method: "HEAD",
    });
    expect([status, headers["x-function"], text]).toEqual([200, "health", ""]);
  });

  it("that nobody serves is the gateway's own 404", async () => {
    const { status, headers, text } = await call(await start({ "GET /": echo }), "/other");
    expect([status, headers["content-type"], text]).toEqual([
      404,
      "application/json",
      '{"message":"Not Found"}',
    ]);
  });
});

describe("an answer", () => {
  it("is what the function says: status, headers, cookies and bytes", async () => {
    const bytes = Buffer.from([0, 255, 10]);
    const gateway = await start({
      $default: () =>
        Promise.resolve({
          statusCode: 207,
          headers: { "x-number": 5, location: "/v1/jobs/1" },
          cookies: ["a=1", "b=2"],
          body: bytes.toString("base64"),
          isBase64Encoded: true,
        }),
    });
    const response = await fetch(gateway.url);
    expect(response.status).toBe(207);
    expect(response.headers.get("x-number")).toBe("5");
    expect(response.headers.get("location")).toBe("/v1/jobs/1");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
  });

  it("is a 500 that says nothing where the function throws", async () => {
    const secret = new Error("the table is called pulsegate");
    const answers = [
      () => Promise.reject(secret),
      () => {
        throw secret;
      },
      () => Promise.resolve({ statusCode: 200, headers: { "x-bad": "a\r\nb" } }),
    ];
    for (const $default of answers) {
      const { status, text } = await call(await start({ $default }), "/");
      expect([status, text]).toEqual([500, '{"message":"Internal Server Error"}']);
    }
  });
});
