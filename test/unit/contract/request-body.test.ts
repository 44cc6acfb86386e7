import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MAX_BODY_BYTES, readJsonBody } from "../../../lambdas/contract/request-body.ts";
import type { RawBody } from "../../../lambdas/contract/request-body.ts";
import { refusalOf } from "../support/refusal.ts";

const JSON_TYPE = { "content-type": "application/json" };
const nothingOpaque = () => false;

const read = (body: string | Uint8Array | undefined, headers: RawBody["headers"] = JSON_TYPE) =>
  readJsonBody(
    typeof body === "object"
      ? { headers, body: Buffer.from(body).toString("base64"), isBase64Encoded: true }
      : { headers, body, isBase64Encoded: false },
    MAX_BODY_BYTES,
    nothingOpaque,
  );
const refused = (...parameters: Parameters<typeof read>) => refusalOf(() => read(...parameters));

describe("a body's content type", () => {
  it.each([
    "application/json",
    "Application/JSON",
    "application/json; charset=UTF-8",
    "application/json;charset=utf-8",
    'application/json; charset="utf-8"',
    "application/json ; Charset = utf-8 ",
    " application/json ",
    "application/json;",
  ])("may be %j", (contentType) => {
    expect(read("{}", { "content-type": contentType }).value).toEqual({});
  });

  it.each([
    undefined,
    "",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/problem+json",
    "application/jsonp",
    "application/json5",
    "xapplication/json",
    "application/json, application/json",
    "application/json;charset=utf-16",
    "application/json;charset=iso-8859-1",
    "application/json;charset=",
    "application/json;charset=utf-8,text/plain",
    "*/*",
  ])("may not be %j", (contentType) => {
    expect(refused("{}", { "content-type": contentType })).toMatchObject({
      code: "unsupported_media_type",
      where: ["content-type"],
    });
  });

  it.each(["gzip", "br", "identity", ""])(
    "may not come with the content encoding %j",
    (encoding) => {
      const headers = { ...JSON_TYPE, "content-encoding": encoding };
      expect(refused(gzipSync("{}"), headers)).toMatchObject({
        code: "unsupported_media_type",
        where: ["content-encoding"],
      });
    },
  );
});

describe("a body's bytes", () => {
  it("are read alike, as the gateway hands them on: as text or in base64", () => {
    const text = '{"a":"é\u{1F600}","n":1.0}';
    for (const body of [text, new TextEncoder().encode(text)]) {
      expect(read(body)).toMatchObject({ text, value: { a: "é\u{1F600}", n: 1 } });
    }
  });

  it.each([
    ["a byte that stands alone", Uint8Array.of(0x22, 0xe9, 0x22)],
    ["a surrogate", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)],
    ["an overlong form", Uint8Array.of(0x22, 0xc0, 0xaf, 0x22)],
    ["a character that breaks off", Uint8Array.of(0x22, 0xf0, 0x9f, 0x98, 0x22)],
    ["UTF-16", Buffer.from('{"a":1}', "utf16le")],
    ["UTF-16 with its mark", Buffer.from('\uFEFF{"a":1}', "utf16le")],
    ["a byte order mark", Buffer.from("\uFEFF{}")],
    ["nothing but a byte order mark", Buffer.from("\uFEFF")],
    ["nothing", new Uint8Array()],
    ["compressed bytes", gzipSync("{}")],
    ["a form", Buffer.from("tenant_id=t1&type=a")],
    ["text after the end", Buffer.from("{} {}")],
  ])("are no JSON with %s", (_what, body) => {
    expect(refused(body)).toMatchObject({ code: "invalid_input", where: [""] });
  });

  it("are no JSON when there are none", () => {
    expect(refused(undefined)).toMatchObject({ code: "invalid_input", where: [""] });
  });

  it("may be 512 KiB and not one more", () => {
    const ofBytes = (bytes: number) => `"${"a".repeat(bytes - 2)}"`;
    expect(read(ofBytes(524_288)).text).toHaveLength(524_288);
    expect(refused(ofBytes(524_289)).code).toBe("payload_too_large");
    expect(refused(`"${"é".repeat(262_144)}"`).code).toBe("payload_too_large");
    expect(read(Buffer.from(ofBytes(524_288))).text).toHaveLength(524_288);
    expect(refused(Buffer.from(ofBytes(524_289))).code).toBe("payload_too_large");
  });

  it("may be nothing but brackets", () => {
    const brackets = "[".repeat(262_144) + "]".repeat(262_144);
    expect(read(brackets).text).toBe(brackets);
    expect(refused("[".repeat(524_288)).code).toBe("invalid_input");
  });
});

describe("of several faults", () => {
  const tooLarge = "x".repeat(524_289);

  it("the content type is told before the size, and the size before the JSON", () => {
    expect(refused(tooLarge, { "content-type": "text/plain" }).code).toBe("unsupported_media_type");
    expect(refused(tooLarge, { ...JSON_TYPE, "content-encoding": "gzip" }).code).toBe(
      "unsupported_media_type",
    );
    expect(refused(tooLarge).code).toBe("payload_too_large");
    expect(refused(Buffer.alloc(524_289, 0xff)).code).toBe("payload_too_large");
    expect(refused("x").code).toBe("invalid_input");
  });
});
