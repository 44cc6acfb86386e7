import { Problem } from "../core/errors.ts";
import { readEnvelope } from "../core/rules/json-text.ts";
import type { JsonEnvelope } from "../core/rules/json-text.ts";

/** The whole body of a request with one job, in bytes. */
export const MAX_BODY_BYTES = 512 * 1_024;
/** A payload, in bytes of UTF-8. */
export const MAX_PAYLOAD_BYTES = 256 * 1_024;

export interface RawBody {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string | undefined;
  /** API Gateway encodes what its content type does not call text. */
  readonly isBase64Encoded: boolean;
}

export interface JsonBody extends JsonEnvelope {
  readonly text: string;
}

/**
 * A request's JSON body. Values at opaque paths are cut out as the sender wrote them.
 *
 * @throws Problem `unsupported_media_type`, `payload_too_large` or `invalid_input`, in this order
 */
export const readJsonBody = (
  { headers, body = "", isBase64Encoded }: RawBody,
  maxBytes: number,
  isOpaque: (path: readonly (string | number)[]) => boolean,
): JsonBody => {
  requireJson(headers);
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > maxBytes) {
    throw new Problem("payload_too_large", `The body may have ${maxBytes} bytes at most.`);
  }
  const text = decodeUtf8(bytes);
  if (text.startsWith("\uFEFF")) throw notJson("it begins with a byte order mark");
  try {
    return { text, ...readEnvelope(text, isOpaque) };
  } catch (error) {
    if (error instanceof SyntaxError) throw notJson(error.message);
    throw error;
  }
};

const requireJson = (headers: RawBody["headers"]): void => {
  const contentType = headers["content-type"] ?? "";
  const isJson = /^\s*application\/json\s*(;\s*charset\s*=\s*("utf-8"|utf-8)\s*)?;?\s*$/i.test(
    contentType,
  );
  if (!isJson) {
    throw new Problem(
      "unsupported_media_type",
      "The content type must be application/json in UTF-8.",
      {
        mistakes: [{ header: "content-type", detail: "must be application/json" }],
      },
    );
  }
  if (headers["content-encoding"] !== undefined) {
    throw new Problem("unsupported_media_type", "The body must not be encoded.", {
      mistakes: [{ header: "content-encoding", detail: "is not supported" }],
    });
  }
};

const decodeUtf8 = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw notJson("it is not UTF-8");
  }
};

const notJson = (why: string): Problem =>
  new Problem("invalid_input", `The body is not JSON: ${why}.`, {
    mistakes: [{ pointer: "", detail: "is not JSON" }],
  });
