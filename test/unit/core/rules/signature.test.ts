import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import {
  addSecret,
  MAX_SECRETS,
  parseSigningSecret,
  signatureOf,
  SigningSecret,
} from "../../../../lambdas/core/rules/signature.ts";
import type { HeldSecret } from "../../../../lambdas/core/rules/signature.ts";

const secretOf = (text: string): SigningSecret => {
  const secret = parseSigningSecret(text);
  if (!secret) throw new Error(`no secret: ${text}`);
  return secret;
};
const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Published with the specification of Standard Webhooks and with Svix's own libraries. */
const vector = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  timestamp: "1614265330",
  body: '{"test": 2432232314}',
  signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};

describe("a signature", () => {
  it("is that of the public vector", () => {
    const signed = signatureOf([secretOf(vector.secret)], {
      ...vector,
      body: bytesOf(vector.body),
    });
    expect(signed).toBe(vector.signature);
  });

  it("is verified by the public library, whatever the secret and the body", () => {
    const keys = fc.uint8Array({ minLength: 24, maxLength: 64 });
    fc.assert(
      fc.property(keys, fc.string({ unit: "binary" }), (key, body) => {
        const secret = new SigningSecret(key);
        const timestamp = String(Math.floor(Date.now() / 1_000));
        const signature = signatureOf([secret], { id: "job_1", timestamp, body: bytesOf(body) });
        const verifier = new Webhook(secret.revealText());
        expect(verifier.sign("job_1", new Date(Number(timestamp) * 1_000), body)).toBe(signature);
      }),
    );
  });

  it("of nothing is that of an empty body", () => {
    const message = { id: "job_1", timestamp: "1" };
    const secrets = [secretOf(vector.secret)];
    expect(signatureOf(secrets, { ...message, body: null })).toBe(
      signatureOf(secrets, { ...message, body: bytesOf("") }),
    );
  });

  it("is one for each secret, in their order, and none without a secret", () => {
    const [first, second] = [randomBytes(24), randomBytes(64)].map((key) => new SigningSecret(key));
    const message = { id: "job_1", timestamp: "1614265330", body: bytesOf("{}") };
    const [of1, of2] = [first!, second!].map((secret) => signatureOf([secret], message));
    expect(signatureOf([first!, second!], message)).toBe(`${of1} ${of2}`);
    expect(signatureOf([second!, first!], message)).toBe(`${of2} ${of1}`);
    expect(signatureOf([], message)).toBeUndefined();
  });
});

describe("a secret", () => {
  // Its base 64 has both `+` and `/`, and needs padding.
  const key = Buffer.from(`fbefbefbef${"ff".repeat(19)}3e`, "hex");
  const standard = key.toString("base64");

  it.each([
    ["with its prefix", `whsec_${standard}`],
    ["bare", standard],
    ["without padding", `whsec_${standard.replace(/=+$/, "")}`],
    ["bare, without padding", standard.replace(/=+$/, "")],
    ["URL-safe", `whsec_${key.toString("base64url")}`],
    ["URL-safe, padded", `whsec_${standard.replaceAll("+", "-").replaceAll("/", "_")}`],
  ])("is the same however it is written: %s", (_, text) => {
    expect(standard).toMatch(/[+].*[/].*=$|[/].*[+].*=$/);
    expect(secretOf(text).revealText()).toBe(`whsec_${standard}`);
  });

  it.each([24, 25, 26, 32, 63, 64])("has %i bytes", (length) => {
    expect(secretOf(randomBytes(length).toString("base64")).reveal()).toHaveLength(length);
  });

  it.each([0, 1, 8, 16, 23, 65, 66, 128])("of %i bytes is none", (length) => {
    const text = Buffer.alloc(length, 7).toString("base64");
    expect(parseSigningSecret(text)).toBeUndefined();
    expect(parseSigningSecret(`whsec_${text}`)).toBeUndefined();
    expect(() => new SigningSecret(new Uint8Array(length))).toThrow(RangeError);
  });

  const good = randomBytes(32).toString("base64");
  it.each([
    ["no base 64", "whsec_!!!!"],
    ["a prefix alone", "whsec_"],
    ["nothing", ""],
    ["a signature's version before it", `v1,whsec_${good}`],
    ["a blank before it", ` whsec_${good}`],
    ["a blank behind it", `whsec_${good} `],
    ["a line break behind it", `whsec_${good}\n`],
    ["a blank after the prefix", `whsec_ ${good}`],
    ["the prefix twice", `whsec_whsec_${"A".repeat(32)}`],
    ["the prefix in capitals", `WHSEC_${"A".repeat(32)}`],
    ["padding in its middle", `whsec_${good}${good}`],
    ["too little padding", `${"A".repeat(42)}=`],
    ["too much padding", `${"A".repeat(43)}==`],
    ["padding where none belongs", `${"A".repeat(44)}==`],
    ["half a byte", "A".repeat(41)],
    ["two alphabets", `+_${"A".repeat(42)}`],
    ["a private key", `whsk_${"A".repeat(43)}`],
    ["a public key", `whpk_${"A".repeat(43)}`],
  ])("is none with %s", (_, text) => {
    expect(parseSigningSecret(text)).toBeUndefined();
  });

  it("shows itself to nobody who prints it", () => {
    const secret = secretOf(vector.secret);
    const held = { id: "x", secret, list: [secret] };
    const shown = [
      String(secret),
      JSON.stringify(held),
      inspect(held, { showHidden: true, depth: 9 }),
      inspect(new Error("no", { cause: held })),
      JSON.stringify(Object.assign({}, secret)),
      Object.values(secret).join(),
    ].join("\n");
    expect(shown).toContain("***");
    expect(shown).not.toContain("MfKQ9r8G");
    expect(shown).not.toContain([...secret.reveal()].slice(0, 3).join(","));
  });

  it("is told from others by its last characters", () => {
    expect(secretOf(vector.secret).hint()).toBe("whsec_…LaSw");
  });
});

describe("a tenant's set of secrets", () => {
  const held = (n: number): HeldSecret => ({
    id: `sec_${n}`,
    createdAtMs: n,
    secret: new SigningSecret(Buffer.alloc(24, n)),
  });

  it("has the newest first", () => {
    expect(addSecret([held(2), held(1)], held(3))).toEqual({
      kind: "added",
      secrets: [held(3), held(2), held(1)],
    });
  });

  it("holds a secret once, where it stood first, also when it is full", () => {
    const full = Array.from({ length: MAX_SECRETS }, (_, n) => held(n));
    expect(addSecret(full, { ...held(4), id: "sec_other" })).toEqual({
      kind: "held",
      held: full[4],
    });
    expect(addSecret(full, held(99))).toEqual({ kind: "full" });
    expect(addSecret(full.slice(1), held(99)).kind).toBe("added");
  });
});
