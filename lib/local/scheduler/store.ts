import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ScheduleDefinition } from "./definition.ts";

export interface StoredSchedule {
  readonly group: string;
  readonly name: string;
  readonly definition: ScheduleDefinition;
  /** Of the call that created it: the SDK repeats a create whose answer was lost, with the same one. */
  readonly clientToken: string | undefined;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  /** When it is to be sent next; `null` if it is disabled, or over and kept. */
  readonly dueAtMs: number | null;
  readonly tries: number;
  readonly firstTriedAtMs: number | null;
}

export interface StoredGroup {
  readonly name: string;
  readonly createdAtMs: number;
}

type Row = Record<string, string | number | null>;

/**
 * Schedules on disk, in SQLite: what was answered survives a kill. A loss of power may take the last
 * ones, which the recovery at the next start makes again: an fsync for each would hold up the queues
 * in the same process. Its calls are synchronous, so that nothing comes between two of them.
 */
export const openScheduleStore = (folder: string) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(folder, "schedules.db"));
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS groups (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS schedules (
      grp TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL, client_token TEXT,
      created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL,
      due_ms INTEGER, tries INTEGER NOT NULL, first_tried_ms INTEGER,
      PRIMARY KEY (grp, name)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS due ON schedules (due_ms) WHERE due_ms IS NOT NULL;
  `);
  const run = (sql: string, ...values: (string | number | null)[]) =>
    database.prepare(sql).run(...values);
  const rows = (sql: string, ...values: (string | number | null)[]) =>
    database.prepare(sql).all(...values) as Row[];

  return {
    put: (schedule: StoredSchedule): void =>
      void run(
        "INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        schedule.group,
        schedule.name,
        JSON.stringify(schedule.definition),
        schedule.clientToken ?? null,
        schedule.createdAtMs,
        schedule.modifiedAtMs,
        schedule.dueAtMs,
        schedule.tries,
        schedule.firstTriedAtMs,
      ),

    find: (group: string, name: string): StoredSchedule | undefined =>
      rows("SELECT * FROM schedules WHERE grp = ? AND name = ?", group, name).map(scheduleOf)[0],

    delete: (group: string, name: string): void =>
      void run("DELETE FROM schedules WHERE grp = ? AND name = ?", group, name),

    /** In the order of group and name, those after `after`. */
    list: (query: {
      readonly group: string | undefined;
      readonly namePrefix: string;
      readonly state: string | undefined;
      readonly after: readonly [group: string, name: string];
      readonly limit: number;
    }): readonly StoredSchedule[] =>
      rows(
        `SELECT * FROM schedules
         WHERE (grp, name) > (?, ?) AND grp = coalesce(?, grp)
           AND substr(name, 1, ?) = ?
           AND coalesce(?, definition ->> 'State') = definition ->> 'State'
         ORDER BY grp, name LIMIT ?`,
        ...query.after,
        query.group ?? null,
        query.namePrefix.length,
        query.namePrefix,
        query.state ?? null,
        query.limit,
      ).map(scheduleOf),

    /** Those whose time has come, the longest waiting first. */
    due: (nowMs: number, limit: number): readonly StoredSchedule[] =>
      rows("SELECT * FROM schedules WHERE due_ms <= ? ORDER BY due_ms LIMIT ?", nowMs, limit).map(
        scheduleOf,
      ),

    nextDueAtMs: (): number | undefined => {
      const next = rows("SELECT min(due_ms) AS next FROM schedules WHERE due_ms IS NOT NULL")[0];
      return typeof next?.["next"] === "number" ? next["next"] : undefined;
    },

    putGroup: ({ name, createdAtMs }: StoredGroup): void =>
      void run("INSERT INTO groups VALUES (?, ?)", name, createdAtMs),

    findGroup: (name: string): StoredGroup | undefined =>
      rows("SELECT * FROM groups WHERE name = ?", name).map(groupOf)[0],

    /** With all that is in it. */
    deleteGroup(name: string): void {
      run("DELETE FROM schedules WHERE grp = ?", name);
      run("DELETE FROM groups WHERE name = ?", name);
    },

    listGroups: (namePrefix: string, after: string, limit: number): readonly StoredGroup[] =>
      rows(
        "SELECT * FROM groups WHERE name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
        after,
        namePrefix.length,
        namePrefix,
        limit,
      ).map(groupOf),

    close: (): void => database.close(),
  };
};

export type ScheduleStore = ReturnType<typeof openScheduleStore>;

const scheduleOf = (row: Row): StoredSchedule => ({
  group: String(row["grp"]),
  name: String(row["name"]),
  definition: JSON.parse(String(row["definition"])) as ScheduleDefinition,
  clientToken: row["client_token"] === null ? undefined : String(row["client_token"]),
  createdAtMs: Number(row["created_ms"]),
  modifiedAtMs: Number(row["modified_ms"]),
  dueAtMs: row["due_ms"] === null ? null : Number(row["due_ms"]),
  tries: Number(row["tries"]),
  firstTriedAtMs: row["first_tried_ms"] === null ? null : Number(row["first_tried_ms"]),
});

const groupOf = (row: Row): StoredGroup => ({
  name: String(row["name"]),
  createdAtMs: Number(row["created_ms"]),
});
