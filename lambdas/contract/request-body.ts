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
  const fault = faultOfContentType(headers["content-type"] ?? "");
  if (fault !== undefined) {
    throw new Problem("unsupported_media_type", `The content type ${fault}.`, {
      mistakes: [{ header: "content-type", detail: fault }],
    });
  }
  if (headers["content-encoding"] !== undefined) {
    throw new Problem("unsupported_media_type", "The body must not be encoded.", {
      mistakes: [{ header: "content-encoding", detail: "is not supported" }],
    });
  }
};

/** What is wrong with a content type, or nothing. A lone `;` at its end is no parameter. */
const faultOfContentType = (contentType: string): string | undefined => {
  const [mediaType = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  if (parameters.at(-1) === "") parameters.pop();
  if (mediaType.toLowerCase() !== "application/json") return "must be application/json";
  const [first, ...more] = parameters;
  const isUtf8 = first === undefined || /^charset\s*=\s*("utf-8"|utf-8)$/i.test(first);
  if (isUtf8 && more.length === 0) return undefined;
  return parameters.every((parameter) => /^charset\s*=/i.test(parameter))
    ? "must have the charset utf-8, or none"
    : "must have no parameter but charset=utf-8";
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
