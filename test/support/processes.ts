import { readFileSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";

/** Whether a process is there, and more than a zombie that nobody has asked for. */
export const isRunning = (pid: number): boolean => {
  try {
    return !/ Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

/** Every address that a process listens on, as host:port; IPv6 stays in hexadecimal. */
export const listeningSockets = async (pid: number): Promise<readonly string[]> => {
  const fds = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(
    fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")),
  );
  const tables = await Promise.all(["tcp", "tcp6"].map((t) => readFile(`/proc/net/${t}`, "utf8")));
  const LISTEN = "0A";
  return tables
    .flatMap((table) => table.trim().split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , , state, , , , , , inode]) => state === LISTEN && links.includes(`socket:[${inode}]`),
    )
    .map(([, local = ""]) => {
      const [address = "", port = ""] = local.split(":");
      const host = address === "0100007F" ? "127.0.0.1" : address;
      return `${host}:${Number.parseInt(port, 16)}`;
    });
};
