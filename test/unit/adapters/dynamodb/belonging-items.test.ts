import { gunzipSync } from "node:zlib";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  toAttemptItem,
  toContent,
  toContentItem,
  toFailedAttempt,
} from "../../../../lambdas/adapters/dynamodb/belonging-items.ts";
import { attemptKey, payloadKey } from "../../../../lambdas/adapters/dynamodb/keys.ts";
import type { JobContent } from "../../../../lambdas/core/rules/job.ts";
import { JOB_ID, NOW_MS, aJob, contentOf } from "../../support/a-job.ts";
import { anyContent } from "../../support/any-content.ts";

describe("a content apart from its job", () => {
  const key = payloadKey(JOB_ID, "00ff");
  const apart = (content: JobContent) => toContentItem(key, content, 1_800_000_000);

  it("is read back as it was sent", () => {
    fc.assert(
      fc.property(anyContent, (content) => {
        expect(toContent(apart(content))).toEqual({
          ...content,
          body: content.body && expect.objectContaining({ length: content.body.length }),
        });
        const { body } = toContent(apart(content));
        expect(Buffer.from(body ?? []).equals(Buffer.from(content.body ?? []))).toBe(true);
      }),
    );
  });

  it("is compressed when that is smaller, and only then", () => {
    const wide = unmarshall(apart(contentOf("x".repeat(10_000))));
    expect(gunzipSync(wide["body"] as Uint8Array).toString()).toBe("x".repeat(10_000));
    expect(unmarshall(apart(contentOf("x")))).toMatchObject({ body: Uint8Array.of(0x78) });
    expect(unmarshall(apart(contentOf("x")))).not.toHaveProperty("enc");
  });

  it("stands beside its job under the hash of its request, and expires", () => {
    expect(unmarshall(apart(contentOf(null)))).toEqual({
      pk: `JOB#${JOB_ID}`,
      sk: "PAYLOAD#00ff",
      expires_at: 1_800_000_000,
    });
  });
});

describe("a failed attempt's item", () => {
  const attempt = {
    n: 12,
    startedAtMs: NOW_MS,
    finishedAtMs: NOW_MS + 30,
    status: "failed",
    httpStatus: 500,
    error: "http_status: the destination answered 500",
    responseExcerpt: "no",
  } as const;

  it.each(["result", "closed"] as const)("is read back as it was recorded: %s", (kind) => {
    for (const more of [{}, { httpStatus: null, responseExcerpt: null }, { responseExcerpt: "" }]) {
      const item = toAttemptItem(
        attemptKey(aJob(), 12, kind),
        { ...attempt, ...more },
        1_800_000_000,
      );
      expect(toFailedAttempt(item)).toEqual({ ...attempt, ...more, isClosed: kind === "closed" });
    }
  });

  it("sorts by its number, to the largest that a job comes to", () => {
    const sortKeys = [1, 9, 10, 99, 100, 1_000, 999_999].map(
      (n) => attemptKey(aJob(), n, "result").sk,
    );
    expect(sortKeys.toSorted()).toEqual(sortKeys);
  });
});
