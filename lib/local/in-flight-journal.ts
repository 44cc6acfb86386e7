import {
  appendFileSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/**
 * Which messages are being worked on, in a file that outlives the process. A runtime that is killed
 * leaves their jobs leased to nobody; the next one reads here which, and ends those leases at once
 * instead of waiting for them to run out.
 */
export interface InFlightJournal {
  /** Bodies of the messages that a killed runtime was working on. */
  readonly leftOver: readonly string[];
  began(messages: readonly JournalMessage[]): void;
  ended(messages: readonly JournalMessage[]): void;
  /** Forgets what was left over, once it has been dealt with. */
  forgetLeftOver(): void;
  close(): void;
}

export interface JournalMessage {
  readonly messageId: string;
  readonly body: string;
}

/** A line per event; the file is written anew when it has grown this long. */
const COMPACT_AFTER_LINES = 20_000;

export const openInFlightJournal = (dataDir: string): InFlightJournal => {
  const path = join(dataDir, "in-flight.jsonl");
  let leftOver = readOpenMessages(path);
  const open = new Map<string, string>();
  let lines = 0;
  let file = openSync(path, "a");
  // A line that the kill cut off must not swallow the one that comes next.
  appendFileSync(file, "\n");

  const append = (entries: readonly object[]) => {
    appendFileSync(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    lines += entries.length;
    if (lines > COMPACT_AFTER_LINES) rewrite();
  };

  const rewrite = () => {
    const entries = [...leftOver, ...open];
    const text = entries.map(([began, body]) => `${JSON.stringify({ began, body })}\n`).join("");
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    closeSync(file);
    file = openSync(path, "a");
    lines = entries.length;
  };

  return {
    leftOver: [...leftOver.values()],
    began(messages) {
      for (const { messageId, body } of messages) open.set(messageId, body);
      append(messages.map(({ messageId, body }) => ({ began: messageId, body })));
    },
    ended(messages) {
      for (const { messageId } of messages) open.delete(messageId);
      append(messages.map(({ messageId }) => ({ ended: messageId })));
    },
    forgetLeftOver() {
      leftOver = new Map();
      rewrite();
    },
    close: () => closeSync(file),
  };
};

const readOpenMessages = (path: string): Map<string, string> => {
  const open = new Map<string, string>();
  for (const line of readLines(path)) {
    const { began, ended, body } = parseLine(line);
    if (began !== undefined && body !== undefined) open.set(began, body);
    if (ended !== undefined) open.delete(ended);
  }
  return open;
};

const readLines = (path: string): readonly string[] => {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
};

/** The last line may have been cut off by the kill. */
const parseLine = (line: string): { began?: string; ended?: string; body?: string } => {
  try {
    return JSON.parse(line) as { began?: string; ended?: string; body?: string };
  } catch {
    return {};
  }
};
