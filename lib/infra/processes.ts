import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { until } from "./ports";
import { projectRoot } from "./programs";

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Command {
  command: string;
  args: readonly string[];
}

export interface LaunchOptions extends Command {
  /** How it is called in messages. */
  name: string;
  /** Laid over this process's environment; undefined takes a variable away. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default: the project's folder. */
  cwd?: string;
  onLine?: (line: string) => void;
  /** Out of this terminal's process group, so that Ctrl-C reaches it only through us. */
  ownGroup?: boolean;
}

/** A child of this process; it is killed when this process exits. */
export interface Launched {
  readonly name: string;
  readonly pid: number;
  readonly running: boolean;
  /** Settles when it has ended and all its output is here; never rejects. */
  readonly exited: Promise<Exit>;
  /** What it wrote to stdout and stderr, the last 2,000 lines. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL where it is still there after `ms` (default 15,000). */
  stop(ms?: number): Promise<Exit>;
  kill(): Promise<Exit>;
}

const KEPT_LINES = 2000;

/** Children that must not outlive us. */
const alive = new Set<ChildProcess>();

function killAll() {
  for (const child of alive) child.kill("SIGKILL");
}

/** How to run an entry of `bin`: compiled where this file is compiled, else through tsx. `start`, or a path of one's own. */
export function entryCommand(entry: string): Command {
  const compiled = !__filename.endsWith(".ts");
  const file = /[/\\.]/.test(entry) ? entry : join(__dirname, "../../bin", `${entry}${compiled ? ".js" : ".ts"}`);
  const loader = file.endsWith(".ts") ? ["--require", require.resolve("tsx/cjs")] : [];
  return { command: process.execPath, args: [...loader, file] };
}

export function launch(options: LaunchOptions): Launched {
  const { name, command, args, env = {}, cwd = projectRoot(), onLine, ownGroup = false } = options;
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: ownGroup,
  });
  const lines: string[] = [];
  const keep = (line: string) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", keep);

  if (alive.size === 0) process.on("exit", killAll);
  alive.add(child);
  const exited = new Promise<Exit>((resolve) => {
    const end = (exit: Exit) => {
      alive.delete(child);
      if (alive.size === 0) process.off("exit", killAll);
      resolve(exit);
    };
    child.once("close", (code, signal) => end({ code, signal }));
    child.once("error", (error) => {
      keep(error.message);
      if (child.pid === undefined) end({ code: null, signal: null });
    });
  });

  const signal = (what: NodeJS.Signals) => void child.kill(what);
  return {
    name,
    pid: child.pid ?? 0,
    get running() {
      return runs(child);
    },
    exited,
    output: () => lines.join("\n"),
    signal,
    stop: async (ms = 15_000) => {
      signal("SIGTERM");
      const timer = setTimeout(() => signal("SIGKILL"), ms);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
    kill: () => {
      signal("SIGKILL");
      return exited;
    },
  };
}

const runs = ({ pid, exitCode, signalCode }: ChildProcess) =>
  pid !== undefined && exitCode === null && signalCode === null;

/** Waits until `GET url` answers 200; throws with the end of the process's output where it ends before that or takes too long. */
export async function untilReady(child: Launched, url: string, ms = 60_000): Promise<void> {
  let answer = "no answer";
  const ready = async () => {
    if (!child.running) throw new Error("it ended");
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
      answer = `${response.status} ${await response.text()}`;
      return response.status === 200;
    } catch {
      return false;
    }
  };
  try {
    await until(url, ready, { ms, every: 100 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const end = child.output().split("\n").slice(-20).join("\n");
    throw new Error(`${child.name} is not ready: ${reason}; ${answer}\n${end}`);
  }
}
