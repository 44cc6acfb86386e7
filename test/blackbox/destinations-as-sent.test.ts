import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import type { ProblemView } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver, ReceivedRequest } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const refusedAt = async (body: string | object): Promise<readonly string[]> => {
  const response = await api.post(body);
  const problem = (await response.json()) as ProblemView;
  expect(response.status, JSON.stringify(problem)).toBe(400);
  expect(problem.code).toBe("invalid_input");
  return [...new Set(problem.errors.map(({ pointer = "" }) => pointer))];
};

/** The one request that a job makes, and the job as it is shown. */
const sent = async (body: string | object) => {
  const id = await api.accepted(body);
  const job = await api.until(id, "success");
  const requests = receiver.of(id);
  expect(requests).toHaveLength(1);
  return { job, request: requests[0]! };
};

const linesOf = ({ rawHeaders }: ReceivedRequest, name: string): readonly string[] =>
  rawHeaders.filter((_, n) => n % 2 === 1 && rawHeaders[n - 1]?.toLowerCase() === name);

describe("a header that could not be sent as it is refused at the post", () => {
  it.each([
    ["x-a", "日本"],
    ["x-a", "é"],
    ["x-a", "a\r\nx-b: c"],
    ["x-a", "a\nb"],
    ["x-a", "a\u0000"],
    ["x y", "v"],
    ["", "v"],
    ["x:", "v"],
    ["é", "v"],
    ["Host", "other.test"],
    ["Expect", "100-continue"],
    ["TE", "trailers"],
    ["Upgrade", "websocket"],
    ["Connection", "close"],
    ["Keep-Alive", "timeout=5"],
    ["Content-Length", "0"],
    ["Transfer-Encoding", "chunked"],
    ["Trailer", "x-a"],
    ["Proxy-Authorization", "Basic x"],
    ["WEBHOOK-ID", "other"],
    ["webhook-signature", "v1,x"],
    ["X-PulseGate-Attempt", "7"],
  ])("%j: %j", async (name, value) => {
    const job = jobTo(receiver.url, {}, { headers: { [name]: value } });
    expect(await refusedAt(job)).toEqual([`/destination/headers/${name}`]);
  });

  it("of 9 KB, or twice in another case", async () => {
    const refused = (headers: object) => refusedAt(jobTo(receiver.url, {}, { headers }));
    expect(await refused({ "x-a": "v".repeat(9_216) })).toEqual(["/destination/headers"]);
    expect(await refused({ "X-A": "1", "x-a": "2" })).toEqual(["/destination/headers/x-a"]);
    expect(await refused({ "Content-Type": "a/b", "CONTENT-TYPE": "c/d" })).toEqual([
      "/destination/headers/CONTENT-TYPE",
    ]);
  });
});

describe("a header that can be sent arrives as it is", () => {
  it("in place of ours, once, whatever its case", async () => {
    const headers = { "USER-agent": "mine/1.0", "CONTENT-type": "text/x-mine" };
    const { request } = await sent(jobTo(receiver.url, {}, { headers }));
    expect(linesOf(request, "user-agent")).toEqual(["mine/1.0"]);
    expect(linesOf(request, "content-type")).toEqual(["text/x-mine"]);
  });

  it("by names that mean something to JavaScript, and in odd letters", async () => {
    const { request } = await sent(
      `{"tenant_id":"t1","type":"webhook.dispatch","destination":{"url":"${receiver.url}","headers":
        {"__proto__":"a","constructor":"b","x-c":"d","toString":"","!#$%&'*+-.^_\`|~":"~ \\t!"}}}`,
    );
    const given = ["__proto__", "constructor", "x-c", "tostring", "!#$%&'*+-.^_`|~"];
    expect(given.map((name) => linesOf(request, name))).toEqual([
      ["a"],
      ["b"],
      ["d"],
      [""],
      ["~ \t!"],
    ]);
  });

  it("fifty of them, and 8 KiB together", async () => {
    const value = "v".repeat(150);
    const headers = Object.fromEntries(
      Array.from({ length: 50 }, (_, n) => [`x-${n}`.padEnd(10, "-"), value]),
    );
    const { request } = await sent(jobTo(receiver.url, {}, { headers }));
    for (const name of Object.keys(headers)) expect(linesOf(request, name)).toEqual([value]);
  });
});

describe("a URL that a parser would have to mend is refused at the post", () => {
  it.each([
    "http://exa\nmple.com/",
    "http:/example.com",
    "http:\\\\example.com\\a",
    " http://example.com",
    "https://u@example.com/",
    "https://:@example.com/",
    "http://@example.com/",
    "http://example.com:0/",
    "http://example.com:65536/",
    `https://example.com/${"a".repeat(2_029)}`,
  ])("%j", async (url) => {
    expect(await refusedAt(jobTo(url))).toEqual(["/destination/url"]);
  });
});

describe("a URL that is right is shown as sent, and called as the standard writes it", () => {
  const ofLength = (length: number) => receiver.url.padEnd(length, "a");
  it.each([
    ["a fragment", () => `${receiver.url}#f?x=1`, "/hook"],
    ["an empty query", () => `${receiver.url}?`, "/hook?"],
    ["dots", () => `${receiver.url}/../a/./b`, "/a/b"],
    ["escapes of its own", () => `${receiver.url}/%2e%2E/%61?%20=%0a`, "/%61?%20=%0a"],
    ["other letters", () => `${receiver.url}/ä?q=ö`, "/hook/%C3%A4?q=%C3%B6"],
    ["a scheme in capitals", () => receiver.url.replace("http", "HTTP"), "/hook"],
    ["an address in another notation", () => receiver.url.replace("127.0.0.1", "0x7f.1"), "/hook"],
    ["2,048 characters", () => ofLength(2_048), /^\/hooka+$/],
  ] as const)("%s", async (_, urlOf, path) => {
    const url = urlOf();
    const { job, request } = await sent(jobTo(url));
    expect(job["destination"]).toEqual({ url, method: "POST" });
    expect(request.path).toMatch(path);
    if (typeof path === "string") expect(request.path).toBe(path);
    expect(request.headers.host).toBe(`127.0.0.1:${receiver.port}`);
  });
});

describe("a body goes with the methods that have one", () => {
  it("and a GET with a payload is refused", async () => {
    expect(await refusedAt(jobTo(receiver.url, {}, { method: "GET" }))).toEqual(["/payload"]);
  });

  it.each([
    ["GET", undefined, "", []],
    ["DELETE", undefined, "", []],
    ["DELETE", '{"a":1}', '{"a":1}', ["7"]],
    ["POST", undefined, "", ["0"]],
    ["PUT", undefined, "", ["0"]],
    ["PATCH", undefined, "", ["0"]],
    ["POST", "null", "null", ["4"]],
  ] as const)("%s of %s", async (method, payload, body, lengths) => {
    const destination = JSON.stringify({ url: receiver.url, method });
    const rest = payload === undefined ? "" : `,"payload":${payload}`;
    const { request } = await sent(
      `{"tenant_id":"t1","type":"webhook.dispatch","destination":${destination}${rest}}`,
    );
    expect(request.method).toBe(method);
    expect(request.body.toString()).toBe(body);
    expect(linesOf(request, "content-length")).toEqual(lengths);
    expect(linesOf(request, "transfer-encoding")).toEqual([]);
  });
});
