import { describe, expect, it, vi } from "vitest";
import { attemptVia, channelOf } from "../../../lambdas/channels/index.ts";
import { webhook } from "../../../lambdas/channels/webhook.ts";
import { JOB_ID, NOW_MS, aJob, contentOf } from "../support/a-job.ts";

const jobOf = (type: string) => ({
  id: JOB_ID,
  type,
  destination: aJob().destination,
  content: contentOf("{}"),
  attempt: 1,
  signingSecrets: [],
});

const answer = {
  kind: "answered" as const,
  status: 200,
  header: () => undefined,
  body: new Uint8Array(),
};

describe("the kinds of delivery", () => {
  it("carry a job out by its type", async () => {
    const http = vi.fn(async () => answer);
    const outcome = await attemptVia({ http })(jobOf("webhook.dispatch"), NOW_MS);
    expect(outcome).toEqual({ kind: "delivered", httpStatus: 200 });
    expect(http).toHaveBeenCalledOnce();
  });

  it.each(["email.send", "webhook", "WEBHOOK.DISPATCH", "__proto__", "constructor"])(
    "end a job of the type %s, which none serves, for good and without a request",
    async (type) => {
      const http = vi.fn(async () => answer);
      expect(await attemptVia({ http })(jobOf(type), NOW_MS)).toEqual({
        kind: "permanent",
        error: expect.stringMatching(/^protocol: .*handler/),
        httpStatus: null,
        responseExcerpt: null,
      });
      expect(http).not.toHaveBeenCalled();
    },
  );

  it("check the destination of a type that none serves as a webhook's", () => {
    expect(channelOf("webhook.dispatch")).toBe(webhook);
    expect(channelOf("email.send")).toBe(webhook);
    expect(channelOf("__proto__")).toBe(webhook);
  });
});
