import { createHmac } from "node:crypto";
import type { History } from "../history.ts";
import type { ReceivedRequest } from "../world/destinations.ts";
import type { Evidence, Say } from "./verdict.ts";

/**
 * An attempt that was claimed after a secret was put is signed with it, and none is signed with one
 * that nobody has put yet.
 */
export const judgeSignatures = ({ history, monitor, requests }: Evidence, say: Say): void => {
  for (const request of requests) {
    const { jobId, sentAtMs, attempt } = request;
    const life = monitor.lives.at(jobId, sentAtMs);
    const claim = life?.claims.findLast((one) => one.atMs <= sentAtMs && one.attempt === attempt);
    if (!life || !claim) continue;
    const put = history.secrets.filter(({ tenantId }) => tenantId === life.tenant);
    const signatures = request.signature === "" ? [] : request.signature.split(" ");
    const isSignedBy = (secret: Secret) => signatures.includes(signatureOf(request, secret));
    if (put.some((secret) => secret.answeredAtMs <= claim.atMs && !isSignedBy(secret))) {
      say(jobId, "a request is not signed with a secret that was put before");
    }
    const known = put.filter((secret) => secret.startedAtMs <= sentAtMs && isSignedBy(secret));
    if (signatures.length > known.length) say(jobId, "a request has a signature of nobody's");
  }
};

type Secret = History["secrets"][number];

const signatureOf = ({ jobId, timestamp, body }: ReceivedRequest, { key }: Secret): string =>
  `v1,${createHmac("sha256", key).update(`${jobId}.${timestamp}.${body}`).digest("base64")}`;
