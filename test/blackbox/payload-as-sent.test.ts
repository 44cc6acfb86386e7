import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt } from "../support/api.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const payloads = {
  "numbers that a parser would change": `{"n":8202522731445525542, "w":136.0,  "e":1E5,"z":-0}`,
  "duplicate white space and line ends": `{ "a" :\r\n\t1 ,\r\n"b":  [ ] }`,
  "keys that stand twice": `{"k":1,"k":2,"__proto__":{"x":1}}`,
  "escapes and emoji": String.raw`{"s":"\u00e9\/\ud83d\ude00\u0000\ud800","t":"é😀"}`,
  "a bare literal": "null",
  "a bare number": "-0.0",
  "a string that looks like an envelope": String.raw`"{\"payload\":1}, \"payload\": 2"`,
  "a payload within a payload": `{"payload":{"payload":[1,{"payload":2}]}}`,
  "a hundred thousand brackets": "[".repeat(100_000) + "]".repeat(100_000),
  "what fills a payload to its last byte": `"${"é".repeat((262_144 - 2) / 2)}"`,
};

describe("the payload reaches the destination byte for byte", () => {
  const members = () => [
    `"tenant_id":"t1"`,
    `"type":"webhook.dispatch"`,
    `"destination":{"headers":{"x-payload":"no"},"url":"${receiver.url}"}`,
  ];

  it.each(Object.entries(payloads))("%s", async (_, payload) => {
    const id = await api.accepted(`{${members().join(",")},"payload":${payload}}`);
    await api.until(id, "success");
    const [request] = receiver.of(id);
    expect(request?.body.equals(Buffer.from(payload))).toBe(true);
    expect(request?.headers["content-length"]).toBe(String(Buffer.byteLength(payload)));
  });

  it.each([0, 1, 2, 3])("as member number %i of the body", async (position) => {
    const payload = `{ "n" : 1.0 }`;
    const body = members().toSpliced(position, 0, `"payload" :\n ${payload}\t`);
    const id = await api.accepted(` { ${body.join(" , ")} } `);
    await api.until(id, "success");
    expect(receiver.of(id)[0]?.body.toString()).toBe(payload);
  });

  it("under a key that is written with escapes", async () => {
    const id = await api.accepted(String.raw`{${members().join(",")},"\u0070ayload":[1.0]}`);
    await api.until(id, "success");
    expect(receiver.of(id)[0]?.body.toString()).toBe("[1.0]");
  });
});
