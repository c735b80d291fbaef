import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EnvironmentError } from "../environment";
import { hasCode, MODES } from "./files";

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
    return hasCode(error, "EPERM");
  }
}

/**
 * Takes a directory for this process by a `LOCK` file that names it. A lock whose process is gone is taken over.
 * Throws where a living process holds it: two writers of one NeDB file would undo each other's writes.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const file = join(directory, "LOCK");
  // Linked into place with its content, so that nobody reads a lock that is still empty and takes it for a dead one's.
  const draft = join(directory, `LOCK.${process.pid}`);
  writeFileSync(draft, JSON.stringify({ pid: process.pid, start: startTime(process.pid) }), {
    mode: MODES.fileMode,
  });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      if (link(draft, file)) return { release: () => rmSync(file, { force: true }) };
      const found = read(file);
      if (found === undefined) continue;
      refuseIfHeld(directory, holderIn(found));
      discard(file, found, `${draft}.stale`);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new Error(`${directory}: the lock could not be taken`);
}

function refuseIfHeld(directory: string, holder: Holder | undefined): void {
  if (!holder || !isAlive(holder.pid) || startTime(holder.pid) !== holder.start) return;
  if (holder.pid === process.pid)
    throw new EnvironmentError(`${directory} is already open in this process: give each node its own DATA_DIR`);
  throw new EnvironmentError(
    `${directory} is in use by process ${holder.pid}: stop it, or give this one another DATA_DIR or a MONGO_URL`,
  );
}

/** Of several processes that find the same dead lock one moves it away; whoever moved a fresh one puts it back. */
function discard(file: string, dead: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  if (read(aside) !== dead) link(aside, file);
  rmSync(aside, { force: true });
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

interface Holder {
  pid: number;
  start?: string;
}

function holderIn(text: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(text);
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
