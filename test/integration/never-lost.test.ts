import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiAt, jobTo } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { makeDataDir, removeDataDir, startRuntimeProcess } from "../support/runtime-process.ts";
import type { RuntimeProcess } from "../support/runtime-process.ts";

/** A whole process is killed and started again here: everything on disk, nothing in memory. */

let dataDir: string;
let runtime: RuntimeProcess | undefined;

beforeEach(async () => {
  dataDir = await makeDataDir();
});
afterEach(async () => {
  await runtime?.stop();
  runtime = undefined;
  await removeDataDir(dataDir);
});

const start = async (): Promise<RuntimeProcess> => {
  runtime = await startRuntimeProcess(dataDir, { LOG_LEVEL: "error" });
  return runtime;
};
const soon = { retry: { schedule_ms: [500], max_attempts: 50 } };

/** Every job of `ids` reached the receiver, and reads so. */
const expectAllDelivered = async (url: string, receiver: Receiver, ids: readonly string[]) => {
  const api = apiAt(url);
  await eventually(
    "all jobs have ended well",
    async () => {
      const jobs = await Promise.all(ids.map((id) => api.job(id)));
      return jobs.every(({ status }) => status === "success") || undefined;
    },
    100_000,
  );
  const delivered = new Set(receiver.requests.map(({ headers }) => headers["webhook-id"]));
  expect(ids.filter((id) => !delivered.has(id))).toEqual([]);
};

const kills = {
  "it and all that it started": (victim: RuntimeProcess) => victim.killAll(),
  "only its own process, which leaves its children orphaned": async (victim: RuntimeProcess) => {
    victim.kill("SIGKILL");
    await victim.exit;
  },
};

describe.each(Object.entries(kills))("a kill -9 of %s", (_, kill) => {
  it("loses none of 50 jobs that were accepted while their destination was down", async () => {
    const down = await startReceiver();
    await down.stop();
    const first = await start();
    const ids = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        apiAt(first.url).accepted(jobTo(down.url, { payload: { n }, ...soon })),
      ),
    );
    await kill(first);

    const receiver = await startReceiver(down.port);
    try {
      const second = await start();
      await expectAllDelivered(second.url, receiver, ids);
    } finally {
      await receiver.stop();
    }
  }, 120_000);
});

describe("a kill -9 while jobs are being posted and delivered", () => {
  it("loses nothing that was answered with 201, three times over", async () => {
    const receiver = await startReceiver();
    try {
      const ids: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        const current = await start();
        const api = apiAt(current.url);
        const target = ids.length + 60;
        let isKilled = false;
        const client = async () => {
          while (!isKilled) {
            // A post that is cut off by the kill was not answered, and may be lost.
            const response = await api.post(jobTo(receiver.url, soon)).catch(() => undefined);
            const body = (await response?.json().catch(() => undefined)) as
              { id: string } | undefined;
            if (response?.status === 201 && body) ids.push(body.id);
          }
        };
        const clients = Array.from({ length: 8 }, client);
        await eventually("enough jobs are accepted", () => ids.length >= target || undefined);
        await (round === 1 ? kills["it and all that it started"](current) : killOnly(current));
        isKilled = true;
        await Promise.all(clients);
      }
      const last = await start();
      await expectAllDelivered(last.url, receiver, ids);
    } finally {
      await receiver.stop();
    }
  }, 180_000);
});

const killOnly = async (victim: RuntimeProcess) => {
  victim.kill("SIGKILL");
  await victim.exit;
};

describe("an attempt that was under way when the runtime was killed", () => {
  it("is on record as unknown, counts, and its job runs again within 5 s of readiness", async () => {
    const receiver = await startReceiver();
    try {
      receiver.answer(() => undefined); // says nothing, so that the kill comes in the middle
      const first = await start();
      const id = await apiAt(first.url).accepted(
        jobTo(receiver.url, { retry: { schedule_ms: [100], max_attempts: 3 } }),
      );
      await eventually("the request is there", () => receiver.of(id)[0]);
      await killOnly(first);

      receiver.answer((_, response) => void response.writeHead(200).end());
      const second = await start();
      const readyAtMs = Date.now();
      await apiAt(second.url).until(id, "success");
      expect((receiver.of(id)[1]?.atMs ?? Infinity) - readyAtMs).toBeLessThan(5_000);
      expect(await apiAt(second.url).attempts(id)).toMatchObject([
        { n: 1, status: "failed", error: expect.stringMatching(/^outcome_unknown: /) },
        { n: 2, status: "success" },
      ]);
    } finally {
      await receiver.stop();
    }
  }, 60_000);

  it("with max_attempts 1 ends in dlq: the receiver sees no second request", async () => {
    const receiver = await startReceiver();
    try {
      receiver.answer(() => undefined);
      const first = await start();
      const id = await apiAt(first.url).accepted(
        jobTo(receiver.url, { retry: { max_attempts: 1 } }),
      );
      await eventually("the request is there", () => receiver.of(id)[0]);
      await killOnly(first);
      const second = await start();
      expect(await apiAt(second.url).until(id, "dlq")).toMatchObject({ attempts: 1 });
      expect(receiver.of(id)).toHaveLength(1);
    } finally {
      await receiver.stop();
    }
  }, 60_000);
});
