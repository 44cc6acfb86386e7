import { afterAll, beforeAll, expect, it } from "vitest";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { messageOf, startStage, testClock } from "../support/stage.ts";
import type { Stage } from "../support/stage.ts";

let stage: Stage;
let receiver: Receiver;

beforeAll(async () => {
  [stage, receiver] = await Promise.all([startStage(), startReceiver()]);
});
afterAll(() => Promise.all([stage.stop(), receiver.stop()]));

const DAY_MS = 86_400_000;

it("a job with fifty attempts makes all of them, a day apart, and is dead-lettered after the last", async () => {
  receiver.answerStatuses(500);
  const clock = testClock();
  const worker = stage.worker({ clock });
  const { id } = await stage.accept({
    destination: { url: receiver.url, method: "POST", timeoutMs: 10_000 },
    maxAttempts: 50,
    retry: { kind: "schedule", delaysMs: [DAY_MS] },
  });
  for (let attempt = 1; attempt <= 50; attempt += 1) {
    expect(await stage.store.read(id, clock.now())).toMatchObject({
      state: "waiting",
      attempts: attempt - 1,
    });
    const message = messageOf(id, attempt);
    expect(await worker({ message, sentAtMs: clock.now() })).toEqual({ kind: "delete" });
    clock.advance(DAY_MS);
  }
  expect(await stage.store.read(id, clock.now())).toMatchObject({ state: "dlq", attempts: 50 });
  const numbers = receiver.of(id).map(({ headers }) => Number(headers["x-pulsegate-attempt"]));
  expect(numbers).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
});
