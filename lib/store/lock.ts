import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface DirectoryLock {
  release(): void;
}

/** The kernel's start time of a process, so that a recycled pid is not taken for the one that wrote the lock. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/**
 * Takes a directory for this process by a `LOCK` file that names it. A lock whose process is gone is taken over.
 * Throws where a living process holds it: two writers of one NeDB file would undo each other's writes.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const file = join(directory, "LOCK");
  const mine = JSON.stringify({ pid: process.pid, start: startTime(process.pid) });
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, mine, { flag: "wx" });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const holder = readHolder(file);
    if (holder && holder.pid !== process.pid && isAlive(holder.pid) && startTime(holder.pid) === holder.start)
      throw new Error(
        `${directory} is in use by process ${holder.pid}: stop it, or give this one another DATA_DIR or a MONGO_URL`,
      );
    if (holder && holder.pid === process.pid && holder.start === startTime(process.pid))
      throw new Error(`${directory} is already open in this process: give each node its own DATA_DIR`);
    rmSync(file, { force: true });
  }
  throw new Error(`${directory}: the lock could not be taken`);
}

function readHolder(file: string): { pid: number; start?: string } | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof holder === "object" && holder && "pid" in holder && typeof holder.pid === "number")
      return {
        pid: holder.pid,
        start: "start" in holder && typeof holder.start === "string" ? holder.start : undefined,
      };
  } catch {
    // an empty or torn lock file names nobody
  }
  return undefined;
}
