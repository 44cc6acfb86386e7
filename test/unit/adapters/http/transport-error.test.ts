import { describe, expect, it } from "vitest";
import { ForbiddenDestination } from "../../../../lambdas/adapters/http/safe-lookup.ts";
import { codeOf, textOf } from "../../../../lambdas/adapters/http/transport-error.ts";

const systemError = (code: string, message = code) => Object.assign(new Error(message), { code });

describe("what went wrong with a request", () => {
  it.each([
    ["ENOTFOUND", "dns"],
    ["EAI_AGAIN", "dns"],
    ["ECONNREFUSED", "connect"],
    ["EHOSTUNREACH", "connect"],
    ["ETIMEDOUT", "connect"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"],
    ["ECONNRESET", "reset"],
    ["EPIPE", "reset"],
    ["HPE_INVALID_CONSTANT", "protocol"],
    ["UND_ERR_HEADERS_OVERFLOW", "protocol"],
  ])("is told by its code: %s is %s", (code, expected) => {
    expect(codeOf(systemError(code))).toBe(expected);
    expect(codeOf(new TypeError("fetch failed", { cause: systemError(code) }))).toBe(expected);
  });

  it.each(["ENOTFOUND", "EAI_AGAIN", "EINVAL", "ENAMETOOLONG", "EMFILE"])(
    "is a matter of names wherever the look-up says so, also with %s",
    (code) => {
      expect(codeOf(Object.assign(systemError(code), { syscall: "getaddrinfo" }))).toBe("dns");
    },
  );

  it("is the first try's, where several addresses were tried", () => {
    const tries = new AggregateError([systemError("ECONNREFUSED"), systemError("ECONNRESET")]);
    expect(codeOf(tries)).toBe("connect");
  });

  it("is forbidden wherever the refusal stands among the causes", () => {
    const refusal = new ForbiddenDestination("receiver.example");
    expect(codeOf(refusal)).toBe("forbidden_destination");
    expect(codeOf(new Error("a", { cause: new Error("b", { cause: refusal }) }))).toBe(
      "forbidden_destination",
    );
  });

  it.each([undefined, null, "text", new Error("no code")])(
    "is protocol for want of more: %s",
    (error) => {
      expect(codeOf(error)).toBe("protocol");
    },
  );
});

describe("the text of what went wrong", () => {
  it("is the innermost cause's, on one line", () => {
    const error = new Error("outer", { cause: new Error(" first\n second ") });
    expect(textOf(error)).toBe("first second");
    expect(textOf(systemError("ECONNRESET", ""))).toBe("ECONNRESET");
    expect(textOf(undefined)).not.toBe("");
  });

  it.each([
    [
      "write EPROTO 40DD6274D57F0000:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:916:SSL alert number 70\n",
      "tlsv1 alert protocol version",
    ],
    [
      "self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca",
      "self-signed certificate",
    ],
    ["connect ECONNREFUSED 127.0.0.1:80", "connect ECONNREFUSED 127.0.0.1:80"],
  ])("leaves out what is no reader's business: %s", (message, text) => {
    expect(textOf(new Error(message))).toBe(text);
  });

  it("is short, since the job and its attempt each keep it, and never half a character", () => {
    for (let before = 0; before < 300; before += 1) {
      const text = textOf(new Error("x".repeat(before) + "\u{1F600}".repeat(300)));
      expect(text.isWellFormed()).toBe(true);
      expect(text.length).toBeLessThanOrEqual(320);
    }
  });
});
