import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyedJobId } from "../../lambdas/core/rules/ids.ts";
import { localDynamoDb } from "../../lib/local/clients.ts";
import { granted } from "../../lib/local/granted.ts";
import { functions } from "../../lib/topology.ts";
import { Death } from "../support/faults.ts";
import { forAllTests } from "../support/lifetimes.ts";
import { accepting, jobRequest, startStage, testClock } from "../support/stage.ts";

const stage = forAllTests(startStage);

const HASH = "12".repeat(16);
const big = jobRequest({
  destination: { url: "https://example.com/", method: "POST", timeoutMs: 1_000 },
  content: { body: Buffer.from(JSON.stringify("x".repeat(5_000))), headers: [] },
});

/** The door as the function has it: with what the topology grants, and no more. */
const doorOf = (client = localDynamoDb(stage.dynamodbEndpoint)) => {
  client.middlewareStack.add(granted(functions["create-jobs"], stage.queueUrls) as never, {
    step: "initialize",
  });
  const store = stage.storeOn(client);
  return accepting({ store, queue: stage.queueFor(), clock: testClock() });
};

describe("a job whose content is kept apart from it", () => {
  it("is taken in by the repeat of a post that died between the two", async () => {
    const key = randomUUID();
    const dying = localDynamoDb(stage.dynamodbEndpoint);
    dying.middlewareStack.add(
      (next) => (args) => {
        const { Item: item } = args.input as { Item?: { sk?: { S?: string } } };
        if (item?.sk?.S === "JOB") throw new Death("before the job");
        return next(args);
      },
      { step: "initialize" },
    );
    await expect(doorOf(dying)(big, HASH, key)).rejects.toMatchObject({ code: "unavailable" });
    const repeat = await doorOf()(big, HASH, key);
    expect(repeat).toMatchObject({ id: keyedJobId("t1", key), isReplay: false });
  });
});
