import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Signs calls to one service (AWS Signature Version 4), by the SDK's own signer. */
export const signerFor = (service: string, region: string, credentials: Credentials): SignatureV4 =>
  new SignatureV4({ service, region, credentials, sha256: Sha256 });

/** As the signer wants it. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash("sha256") : createHmac("sha256", secret as Uint8Array);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {
    throw new Error("the signer never does");
  }
}
