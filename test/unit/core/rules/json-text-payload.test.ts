import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEnvelope } from "../../../../lambdas/core/rules/json-text.ts";
import { anyNode, anyStyle, printed } from "../../support/json-texts.ts";

const isPayload = (path: readonly (string | number)[]) =>
  path.length === 1 && path[0] === "payload";
const isBatchPayload = (path: readonly (string | number)[]) =>
  path.length === 3 && path[0] === "jobs" && path[2] === "payload";

const payloadOf = (text: string) => readEnvelope(text, isPayload).opaqueTexts.get("/payload");

const telling =
  '{"n":8202522731445525542, "w":136.0,  "e":1E5,"z":-0,"s":"\\u00e9\\/\\ud83d\\ude00","k":1,"k":2}';

describe("a payload is cut out byte for byte", () => {
  it.each([
    ["a 20-digit integer", "82025227314455255420"],
    ["a fraction of zeros", "1.0"],
    ["a negative zero", "-0"],
    ["an exponent", "1E+05"],
    ["a number beyond a double", "1e999"],
    ["null", "null"],
    ["true", "true"],
    ["an empty string", '""'],
    ["escapes", '"\\u00e9\\/\\ud83d\\ude00\\"\\\\"'],
    ["an emoji", '"\u{1F600}"'],
    ["a lone surrogate by escape, and U+0000", '"\\ud800 \\u0000"'],
    ["brackets in a string", '"}]{[,:"'],
    ["duplicate keys and white space", telling],
    ["CRLF between members", telling.replaceAll(/, */g, ",\r\n")],
    ["a prototype", '{"__proto__":{"__proto__":1},"constructor":2}'],
    ["empty containers", '[ { } , [ ] , {"": [ ]} ]'],
    ["a member of its own name", '{"payload":{"payload":[{"payload":1}]}}'],
  ])("with %s", (_what, payload) => {
    expect(payloadOf(`{"payload":${payload}}`)).toBe(payload);
    expect(payloadOf(`{"a":1,"payload" : ${payload} ,"b":[{"payload":3}]}`)).toBe(payload);
    expect(payloadOf(`\r\n{\t"b":{"payload":3},"payload":\r\n${payload}\n}\n`)).toBe(payload);
    expect(payloadOf(`{"pay\\u006coad":${payload},"a":[]}`)).toBe(payload);
  });

  it("whatever it is, and whatever stands around it", () => {
    fc.assert(
      fc.property(
        anyNode,
        fc.array(fc.tuple(fc.constantFrom("a", "b", "payloads", ""), anyNode), { maxLength: 3 }),
        fc.nat(3),
        anyStyle,
        (payload, others, position, style) => {
          const choose = style();
          const payloadText = printed(payload, choose);
          const members = others.map(
            ([key, value]) => `${JSON.stringify(key)}: ${printed(value, choose)}`,
          );
          members.splice(Math.min(position, members.length), 0, `"payload":\n${payloadText}\t`);
          expect(payloadOf(`{${members.join(" ,")}}`)).toBe(payloadText);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("as JSON.stringify writes it, too", () => {
    fc.assert(
      fc.property(fc.json(), (payload) => {
        expect(payloadOf(`{"payload":${payload}}`)).toBe(payload);
      }),
    );
  });

  it("with 100,000 brackets within each other", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    expect(payloadOf(`{"a":1,"payload":${deep},"b":2}`)).toBe(deep);
    const deepObject = '{"a":'.repeat(50_000) + "1" + "}".repeat(50_000);
    expect(payloadOf(`{"payload":${deepObject}}`)).toBe(deepObject);
  });

  it("in any item of a batch", () => {
    const text = `{"jobs":[{"payload":1.0},{"a":{"payload":3}},{"b":[1,[2],{}],"payload": "x" }]}`;
    const { opaqueTexts } = readEnvelope(text, isBatchPayload);
    expect([...opaqueTexts]).toEqual([
      ["/jobs/0/payload", "1.0"],
      ["/jobs/2/payload", '"x"'],
    ]);
  });

  it("and is not mistaken for one at another depth or of another name", () => {
    const text = `{"a":{"payload":1},"Payload":2,"payload ":3,"b":[{"payload":4}],"c":"payload"}`;
    expect(readEnvelope(text, isPayload).opaqueTexts.size).toBe(0);
    expect(readEnvelope('[{"payload":1}]', isPayload).opaqueTexts.size).toBe(0);
  });
});

describe("inside a payload", () => {
  it("nothing is looked at", () => {
    const text = `{"payload":{"k":1,"k":"\\ud800","\\u0000":["\\u0000",{"a":1,"a":2}]},"b":1}`;
    expect(readEnvelope(text, isPayload).mistakes).toEqual([]);
  });

  it("nothing disturbs what comes after it", () => {
    const text = `{"payload":[{"k":1},"}"],"b":1,"b":2}`;
    expect(readEnvelope(text, isPayload).mistakes).toEqual([
      { pointer: "/b", detail: "stands twice" },
    ]);
  });
});

describe("the value of an envelope", () => {
  it("is what JSON.parse reads", () => {
    fc.assert(
      fc.property(anyNode, anyStyle, (node, style) => {
        const text = printed(node, style());
        expect(readEnvelope(text, isPayload).value).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    "",
    " ",
    "{",
    '{"a":1,}',
    "{'a':1}",
    '{"a":01}',
    '{"a":1}{}',
    "[1 2]",
    '"a\nb"',
    '"\\x"',
    "\u00a0{}",
    "NaN",
    "undefined",
    '{"a":1} // comment',
  ])("is refused as no JSON: %j", (text) => {
    expect(() => readEnvelope(text, isPayload)).toThrow(SyntaxError);
  });
});
