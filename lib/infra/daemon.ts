import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answers, until } from "./ports";

/** A server process that goes on when the one that started it has ended; its record in `<dir>/<name>.json` finds it again. */
export interface Daemon {
  pid: number;
  port: number;
  kind: string;
  /** When the process began: the same pid with another beginning is somebody else's. */
  began: string;
}

export interface DaemonState extends Daemon {
  paused: boolean;
}

export interface Program {
  kind: string;
  command: string;
  args: readonly string[];
}

const recordOf = (dir: string, name: string) => join(dir, `${name}.json`);
export const logOf = (dir: string, name: string) => join(dir, `${name}.log`);

/** The daemon if it lives; the record of a dead one, a zombie's or a pid that was given to another process count as none. */
export function findDaemon(dir: string, name: string): DaemonState | undefined {
  const record = readRecord(recordOf(dir, name));
  const process = record && inspect(record.pid);
  if (!record || !process || process.began !== record.began || process.state.startsWith("Z")) return undefined;
  return { ...record, paused: process.state.startsWith("T") };
}

/** Starts the program and waits until it takes connections; throws with the end of its log where it does not. */
export async function startDaemon(dir: string, name: string, port: number, program: Program, ms = 60_000) {
  if (await answers(port))
    throw new Error(`Port ${port}, meant for ${name}, is taken; set INFRA_PORT to another range`);
  mkdirSync(dir, { recursive: true });
  const log = openSync(logOf(dir, name), "a");
  const child = spawn(program.command, program.args, { detached: true, stdio: ["ignore", log, log], cwd: dir });
  closeSync(log);
  let failure = "";
  child.once("error", (error) => {
    failure = error.message;
  });
  child.unref();
  const began = child.pid === undefined ? undefined : inspect(child.pid)?.began;
  if (child.pid !== undefined && began !== undefined) {
    const record: Daemon = { pid: child.pid, port, kind: program.kind, began };
    writeFileSync(recordOf(dir, name), JSON.stringify(record));
  }
  try {
    await until(`${name} on port ${port}`, () => listens(dir, name, port), { ms });
  } catch (error) {
    await signalDaemon(dir, name, "SIGKILL");
    const reason = failure || (error instanceof Error ? error.message : String(error));
    throw new Error(`${name} (${program.command}) did not start: ${reason}\n${tail(logOf(dir, name))}`);
  }
}

async function listens(dir: string, name: string, port: number): Promise<boolean> {
  if (!findDaemon(dir, name)) throw new Error("it ended");
  return answers(port);
}

/** Signals the daemon, if there is one, and waits until the signal has done its work. */
export async function signalDaemon(dir: string, name: string, signal: NodeJS.Signals, ms = 30_000): Promise<void> {
  const daemon = findDaemon(dir, name);
  if (daemon) deliver(daemon.pid, signal);
  if (signal === "SIGSTOP" || signal === "SIGCONT") {
    const paused = signal === "SIGSTOP";
    const done = () => (findDaemon(dir, name)?.paused ?? paused) === paused;
    return until(`${name} to ${paused ? "pause" : "go on"}`, done, { ms, every: 5 });
  }
  // A paused process takes SIGTERM only once it goes on.
  if (daemon?.paused) deliver(daemon.pid, "SIGCONT");
  // Threads of a killed process may hold its port a moment longer than the process is there.
  const ended = async () => findDaemon(dir, name) === undefined && !(daemon && (await answers(daemon.port)));
  await until(`${name} to end`, ended, { ms });
  rmSync(recordOf(dir, name), { force: true });
}

function deliver(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended between the look and the signal, which is what the caller wanted or will see.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function readRecord(file: string): Daemon | undefined {
  try {
    const { pid, port, kind, began }: Partial<Daemon> = JSON.parse(readFileSync(file, "utf8"));
    if (pid === undefined || port === undefined || kind === undefined || began === undefined) return undefined;
    return { pid, port, kind, began };
  } catch {
    return undefined;
  }
}

/** State letter and beginning of a process: from /proc where there is one (a slim image has no `ps`), else from `ps`. */
function inspect(pid: number): { state: string; began: string } | undefined {
  try {
    if (existsSync("/proc/self/stat")) {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The second field, the name in brackets, may itself have blanks and brackets.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return { state: fields[0] ?? "", began: fields[19] ?? "" };
    }
    const line = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    const [state = "", ...began] = line.split(/\s+/);
    return { state, began: began.join(" ") };
  } catch {
    return undefined;
  }
}

function tail(file: string, lines = 12): string {
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n") : "";
}
