import type { DueJob, Outcome } from "../core/attempt-ports.ts";
import { excerptOf } from "../core/rules/excerpt.ts";
import { signatureOf } from "../core/rules/signature.ts";
import { version } from "../core/version.ts";
import type { Channel, HttpAnswer, HttpRequest } from "./channel.ts";
import { addressOfUrl, webhookDestination } from "./webhook-destination.ts";

/** A job that is an HTTP request to its destination, after Standard Webhooks. */
export const webhook: Channel = {
  jobTypes: ["webhook.dispatch"],
  destination: webhookDestination,
  addressOf: ({ url }) => addressOfUrl(url),
  async attempt(job, via, startedAtMs) {
    return judgeAnswer(await via.http(requestOf(job, startedAtMs)));
  },
};

const requestOf = (job: DueJob, startedAtMs: number): HttpRequest => {
  const { url, method, timeoutMs } = job.destination;
  const given = new Set(job.content.headers.map(([name]) => name.toLowerCase()));
  const defaults = [
    ["content-type", "application/json"],
    ["user-agent", `PulseGate/${version}`],
  ] as const;
  const { body } = job.content;
  const timestamp = String(Math.floor(startedAtMs / 1_000));
  const signature = signatureOf(job.signingSecrets, { id: job.id, timestamp, body });
  return {
    url,
    method,
    timeoutMs,
    body,
    headers: [
      ...job.content.headers,
      ...defaults.filter(([name]) => !given.has(name)),
      ["x-pulsegate-attempt", String(job.attempt)],
      ["webhook-id", job.id],
      ["webhook-timestamp", timestamp],
      ...(signature === undefined ? [] : [["webhook-signature", signature] as const]),
    ],
  };
};

const GONE = 410;
/** Too Many Requests, and Service Unavailable: with these, `Retry-After` says when to come again. */
const asksToWait = new Set([429, 503]);

const judgeAnswer = (answer: HttpAnswer): Outcome => {
  if (answer.kind === "broken") {
    return {
      kind: answer.code === "forbidden_destination" ? "permanent" : "retryable",
      error: `${answer.code}: ${answer.text}`,
      httpStatus: answer.status,
      responseExcerpt: answer.status === null ? null : excerptOf(answer.body),
    };
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered", httpStatus: status };
  const isFinal = status === GONE || answer.header("webhook-delivery") === "abort-message";
  return {
    kind: isFinal ? "permanent" : "retryable",
    error: `http_status: the destination answered ${status}`,
    httpStatus: status,
    responseExcerpt: excerptOf(answer.body),
    retryAfter: asksToWait.has(status) ? answer.header("retry-after") : undefined,
  };
};
