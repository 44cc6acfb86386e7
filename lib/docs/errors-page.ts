/** docs/errors.md: a heading for each code, which a problem's \`type\` leads to. */
export const errorsPage = (
  codes: Readonly<Record<string, { readonly status: number; readonly title: string }>>,
): string => `# Errors

Printed from the table of codes by \`npm run generate\`; the explanations stand in
\`lib/docs/errors-page.ts\`.

Every error of ours is \`application/problem+json\` (RFC 9457) with \`type\`, \`title\`, \`status\`, \`detail\`,
and beside them \`code\`, \`request_id\` and \`errors\`: every mistake of the request at once, each with the
\`pointer\`, \`header\` or \`parameter\` where it stands. At most 50 are listed, and what is longer than 256
characters is cut, so that an answer stays small whatever was sent.

${Object.entries(codes)
  .map(
    ([code, { status, title }]) => `## ${code}\n\n${status}. ${title}. ${explanations[code] ?? ""}`,
  )
  .join("\n\n")}

## What the gateway refuses by itself

These come before any function of ours, in the gateway's own words: plain JSON (\`{"message": …}\`), or
no body at all, and without our \`x-request-id\`. A client treats them like the codes beside them.

| status | when | like |
| --- | --- | --- |
| 400 | it is no HTTP/1.1: garbage, an unknown method, two lengths, no \`Host\` | \`invalid_input\` |
| 403 | the signature of the request is missing or wrong (in the cloud) | |
| 413 | the body is over 10 MB | \`payload_too_large\` |
| 417 | an \`Expect\` header that says anything but \`100-continue\` | |
| 429 | the gateway's throttle (in the cloud) | |
| 431 | the headers are over 10 KB | |
| 500 | a function ended without an answer | \`internal\` |
| 503 | a function did not answer within 30 s | \`unavailable\` |

400 and 417 are what the local gateway answers. What AWS says to such requests it does not document, and
we have not measured.

The gateway decodes a path before it looks for the route, in the cloud and so on the local runtime too,
and hands on the decoded one alone. So \`%2F\` is a slash: \`POST /v1/jobs/{id}%2Fcancel\` cancels. Put
nothing into a path that could be anything but an id; \`pulsegate/client\` refuses to.
`;

const explanations: Readonly<Record<string, string>> = {
  invalid_input:
    "Something in the body, the query or a header breaks a rule; `errors` says what and where. Nothing was accepted.",
  not_found:
    "The route, the job or the signing secret does not exist. An id of another form is one that does not exist.",
  method_not_allowed: "`Allow` names the methods of this route.",
  idempotency_conflict:
    "The `Idempotency-Key` belongs to a job that was posted with another body. Use a new key for a new job.",
  invalid_state:
    "A job is cancelled only while it waits, and retried only after it failed; a tenant has ten signing secrets at most. `detail` says what it is.",
  payload_too_large:
    "A payload has at most 262,144 bytes, a body at most 524,288, a batch at most 3,145,728.",
  unsupported_media_type: "A body is `application/json` in UTF-8, and without a content encoding.",
  rate_limited:
    "So many jobs wait at this rate limit that the job's turn would come in over 366 days. Nothing was accepted. `Retry-After` says when its turn would be near enough.",
  internal: "A fault of ours. The log has more under the same `request_id`.",
  unavailable:
    "Something behind the API does not answer. `Retry-After` says when to try again. A job may have been accepted all the same: with an `Idempotency-Key` the repeat is safe.",
};
