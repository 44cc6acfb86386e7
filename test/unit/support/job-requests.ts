import { isPayload, parseJobRequest } from "../../../lambdas/contract/job-request.ts";
import type { ParsedJobRequest } from "../../../lambdas/contract/job-request.ts";
import { MAX_BODY_BYTES, readJsonBody } from "../../../lambdas/contract/request-body.ts";
import { parseAllowList } from "../../../lambdas/core/rules/destination-policy.ts";
import { NOW_MS } from "./a-job.ts";

const nobody = parseAllowList("");

/** A job's text as it is read at the door. */
export const parseText = (text: string): ParsedJobRequest =>
  parseJobRequest(
    readJsonBody(
      { headers: { "content-type": "application/json" }, body: text, isBase64Encoded: false },
      MAX_BODY_BYTES,
      isPayload,
    ),
    { nowMs: NOW_MS, allow: nobody },
  );

export const minimalJob = {
  tenant_id: "t1",
  type: "webhook.dispatch",
  destination: { url: "https://receiver.example/hook" },
};

/** The smallest job, with what a test adds. */
export const parseJob = (more: object = {}): ParsedJobRequest =>
  parseText(JSON.stringify({ ...minimalJob, ...more }));

export const parseDestination = (more: object): ParsedJobRequest =>
  parseJob({ destination: { ...minimalJob.destination, ...more } });

/** The smallest job with members that only a text can have: `"a":1,"a":2`. */
export const parseMembers = (members: string): ParsedJobRequest =>
  parseText(
    `{"tenant_id":"t1","type":"webhook.dispatch","destination":{"url":"https://receiver.example/hook"},${members}}`,
  );
