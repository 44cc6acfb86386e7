import { gunzipSync, gzipSync } from "node:zlib";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { AttemptRecord, JobContent } from "../../core/rules/job.ts";
import { marshal, plainContent } from "./items.ts";
import type { Item, JobAttributes } from "./items.ts";

/** The items beside a job's own: written once, and never changed but for when they expire. */

interface ContentAttributes extends Pick<JobAttributes, "body" | "hdr"> {
  enc?: "gzip";
  expires_at: number;
}

/** A content as an item of its own, compressed when that is smaller. */
export const toContentItem = (
  key: { readonly pk: string; readonly sk: string },
  content: JobContent,
  expiresAtSeconds: number,
): Item => {
  const zipped = content.body ? gzipSync(content.body) : null;
  const isSmaller = zipped !== null && zipped.length < (content.body?.length ?? 0);
  const attributes: ContentAttributes = {
    ...plainContent(content),
    ...(isSmaller ? { body: zipped, enc: "gzip" } : {}),
    expires_at: expiresAtSeconds,
  };
  return marshal({ ...key, ...attributes });
};

export const toContent = (item: Item): JobContent => {
  const { body, hdr, enc } = unmarshall(item) as ContentAttributes;
  return {
    body: body === undefined ? null : enc === "gzip" ? gunzipSync(body) : body,
    headers: hdr ?? [],
  };
};

interface AttemptAttributes {
  n: number;
  start: number;
  end: number;
  http?: number;
  err: string;
  excerpt?: string;
  expires_at: number;
}

export const toAttemptItem = (
  key: { readonly pk: string; readonly sk: string },
  attempt: AttemptRecord,
  expiresAtSeconds: number,
): Item => {
  const attributes: AttemptAttributes = {
    n: attempt.n,
    start: attempt.startedAtMs,
    end: attempt.finishedAtMs,
    err: attempt.error ?? "",
    ...(attempt.httpStatus === null ? {} : { http: attempt.httpStatus }),
    ...(attempt.responseExcerpt === null ? {} : { excerpt: attempt.responseExcerpt }),
    expires_at: expiresAtSeconds,
  };
  return marshal({ ...key, ...attributes });
};

export const toFailedAttempt = (item: Item): AttemptRecord & { readonly isClosed: boolean } => {
  const attributes = unmarshall(item) as AttemptAttributes & { sk: string };
  return {
    n: attributes.n,
    startedAtMs: attributes.start,
    finishedAtMs: attributes.end,
    status: "failed",
    httpStatus: attributes.http ?? null,
    error: attributes.err,
    responseExcerpt: attributes.excerpt ?? null,
    isClosed: attributes.sk.endsWith("#closed"),
  };
};
