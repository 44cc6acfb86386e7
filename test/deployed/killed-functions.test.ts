import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { processesOf } from "../support/function-processes.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const api = apiAt(inject("baseUrl"));
const { serverPid } = inject("deployment");
/** A killed worker's message comes back after its visibility timeout of 90 s. */
const COMES_BACK_MS = 120_000;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const kill = (functionName: string): number => {
  const pids = processesOf(functionName, serverPid ?? 0);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
  return pids.length;
};

describe.skipIf(serverPid === undefined)("a function killed in the middle loses nothing", () => {
  it(
    "of a job whose request is on its way: the attempt counts, and another one follows",
    async () => {
      const { promise: never } = Promise.withResolvers<void>();
      receiver.answer(async ({ headers }, response) => {
        if (headers["x-pulsegate-attempt"] === "1") await never;
        response.writeHead(200).end();
      });
      const id = await api.accepted(
        jobTo(receiver.url, { priority: "low", retry: { schedule_ms: [100], max_attempts: 2 } }),
      );
      await eventually("the receiver has the request", () => receiver.of(id)[0]);
      expect(kill("deliver")).toBeGreaterThan(0);
      const job = await api.until(id, "success", COMES_BACK_MS);
      expect(job.attempts).toBe(2);
      expect(await api.attempts(id)).toMatchObject([
        { n: 1, status: "failed", error: expect.stringMatching(/^outcome_unknown: /) },
        { n: 2, status: "success" },
      ]);
      expect(receiver.of(id)).toHaveLength(2);
    },
    COMES_BACK_MS + 30_000,
  );

  it(
    "of jobs that are being posted: each one that was answered with 201 is delivered",
    async () => {
      receiver.answer((_, response) => void response.writeHead(200).end());
      const accepted: string[] = [];
      let [refused, killed] = [0, 0];
      const post = async (): Promise<void> => {
        const response = await api.post(jobTo(receiver.url, { priority: "high" }));
        if (response.status === 201) accepted.push(((await response.json()) as { id: string }).id);
        else refused += 1;
      };
      for (let round = 0; round < 12; round += 1) {
        const posts = Promise.all([post(), post(), post(), post()]);
        // Somewhere within a call, at another place each time.
        await sleep(round * 3);
        killed += kill("create-jobs");
        await posts;
      }
      expect(killed).toBeGreaterThan(0);
      expect(refused).toBeGreaterThan(0);
      await post();
      expect(accepted.length).toBeGreaterThan(0);
      for (const id of accepted) await api.until(id, "success", COMES_BACK_MS);
    },
    COMES_BACK_MS + 60_000,
  );
});
