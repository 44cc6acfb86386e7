import { UsageError } from "./command.ts";
import type { Io } from "./command.ts";

/** A file that an option names; `-` is stdin. @throws UsageError if it cannot be read */
export const readInputFile = async (io: Io, path: string): Promise<Uint8Array> => {
  try {
    return path === "-" ? await io.readStdin() : await io.readFile(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${error instanceof Error ? error.message : ""}`);
  }
};
