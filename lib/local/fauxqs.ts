/**
 * fauxqs, put together from its parts: its own start listens on all interfaces. The parts are not
 * exported, so the version is pinned, and a test looks where it listens.
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { BuildAppOptions } from "fauxqs";

export const LOOPBACK = "127.0.0.1";

export interface Fauxqs {
  readonly endpoint: string;
  /** Ends it, with its queues written. */
  close(): Promise<void>;
}

/**
 * Starts fauxqs (SQS) on loopback, with its queues in a folder.
 *
 * @throws Error of one line if the folder's queues cannot be read
 */
export async function startFauxqs(folder: string): Promise<Fauxqs> {
  const { buildApp, stores, openQueues } = await loadFauxqs();
  const { sqsStore, snsStore } = stores;
  let queues: Queues;
  try {
    queues = openQueues(folder);
    giveAllBack(queues);
    queues.loadSqsAndSns(sqsStore, snsStore);
  } catch (error) {
    const file = join(folder, "fauxqs.db");
    throw new Error(
      `The queues ${file} cannot be read; move them away to start with empty ones (${messageOf(error)})`,
      { cause: error },
    );
  }
  mendGivingBack(queues);
  // Only now, as fauxqs does it: what is loaded is not to be written again.
  sqsStore.persistence = queues;
  for (const queue of sqsStore.allQueues()) queue.persistence = queues;

  const app = buildApp({ logger: false, stores });
  return {
    endpoint: await app.listen({ host: LOOPBACK, port: 0 }),
    async close() {
      await app.close();
      queues.close();
    },
  };
}

type Stores = NonNullable<BuildAppOptions["stores"]>;
type Queues = NonNullable<Stores["sqsStore"]["persistence"]>;

/**
 * Whoever received a message in a former life is dead, for these queues serve one runtime alone: it
 * need not be waited for until its visibility timeout ends.
 */
function giveAllBack(queues: Queues): void {
  databaseOf(queues).exec(
    "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE receipt_handle IS NOT NULL",
  );
}

const databaseOf = (queues: Queues) => (queues as unknown as { readonly db: DatabaseSync }).db;

/**
 * In 2.4.1 a message that is given back (ChangeMessageVisibility to 0) is forgotten until the next
 * start: its column for the number of receipts refuses the NULL that is written with it.
 */
function mendGivingBack(queues: Queues): void {
  const makeReady = databaseOf(queues).prepare(
    "UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?",
  );
  queues.updateMessageReady = (messageId) => void makeReady.run(messageId);
}

async function loadFauxqs() {
  const load = async <T>(file: string) =>
    (await import(new URL(file, import.meta.resolve("fauxqs")).href)) as T;
  const { buildApp } = await import("fauxqs");
  const { SqsStore } = await load<{ SqsStore: new () => Stores["sqsStore"] }>("sqs/sqsStore.js");
  const { SnsStore } = await load<{ SnsStore: new () => Stores["snsStore"] }>("sns/snsStore.js");
  const { S3Store } = await load<{ S3Store: new () => Stores["s3Store"] }>("s3/s3Store.js");
  const { PersistenceManager } = await load<{
    PersistenceManager: new (folder: string) => Queues;
  }>("persistence.js");
  return {
    buildApp,
    stores: { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() },
    openQueues: (folder: string) => new PersistenceManager(folder),
  };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
