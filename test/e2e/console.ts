import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { entryCommand } from "../../lib/infra/processes";
import { projectRoot } from "../../lib/infra/programs";
import { eventually } from "../integration/node";

const PROMPT = "shop $ ";
const QUESTION = "(y/N) ";

/** An entry of `bin` as a process with a keyboard. */
export interface Console {
  readonly ended: Promise<number | null>;
  output(): string;
  /** Resolves when it waits for a line. */
  prompted(): Promise<unknown>;
  /** What is shown for a line, up to the next prompt; a question in between gets that answer. */
  type(line: string, answer?: string): Promise<string>;
  /** A line that nothing has to come after. */
  say(line: string): void;
  /** Ctrl-D. */
  end(): void;
  kill(): void;
}

/** A shell's word. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The program that gives a process a terminal; absent on some systems. */
export const hasTerminal = (): boolean => process.platform === "linux" && existsSync("/usr/bin/script");

/** Wide enough for what is typed to stay on its line. */
const SIZE = "stty cols 250 rows 50";

/** An entry of `bin` in a terminal of its own. */
function inTerminal(entry: string, args: string[], env: Record<string, string>) {
  const { command, args: own } = entryCommand(entry);
  const line = `${SIZE}; exec ${[command, ...own, ...args].map(quoted).join(" ")}`;
  return spawn("/usr/bin/script", ["-qefc", line, "/dev/null"], {
    cwd: projectRoot(),
    env: { ...process.env, TERM: "xterm-256color", CI: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined, ...env },
  });
}

function withoutTerminal(entry: string, args: string[], env: Record<string, string>) {
  const { command, args: own } = entryCommand(entry);
  return spawn(command, [...own, ...args], { cwd: projectRoot(), env: { ...process.env, ...env } });
}

/** Without colours and the moves of the cursor. */
const plain = (screen: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is told by them
  screen.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");

/** Keys and screen of an entry of `bin` in a terminal: it echoes, completes and colours. */
export function openTerminal(entry: string, args: string[], env: Record<string, string>) {
  const child = inTerminal(entry, args, env);
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
  });
  return {
    ended: new Promise((resolve) => child.once("close", resolve)),
    /** What is shown from these keys on, up to a text that is awaited. */
    async press(keys: string, awaited: string): Promise<string> {
      const before = keys === "" ? 0 : screen.length;
      child.stdin.write(keys);
      await eventually(() => screen.slice(before).includes(awaited), 20_000);
      return screen.slice(before);
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** In a terminal where there is one. */
export function openConsole(entry: string, args: string[], env: Record<string, string>): Console {
  const echoes = hasTerminal();
  const child = (echoes ? inTerminal : withoutTerminal)(entry, args, env);
  let screen = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
    });
  const output = () => plain(screen);
  const say = (line: string) => void child.stdin.write(`${line}\n`);
  return {
    ended: new Promise((resolve) => child.once("close", resolve)),
    output,
    prompted: () => eventually(() => output().endsWith(PROMPT), 20_000),
    async type(line, answer) {
      const before = output().length;
      const shown = () => output().slice(before);
      say(line);
      if (answer !== undefined) {
        await eventually(() => shown().endsWith(QUESTION), 20_000);
        say(answer);
      }
      await eventually(() => shown().endsWith(PROMPT), 20_000);
      const told = shown().slice(0, -PROMPT.length);
      return echoes ? told.slice(told.indexOf("\n") + 1) : told;
    },
    say,
    end: () => void (echoes ? child.stdin.write("\u0004") : child.stdin.end()),
    kill: () => void child.kill("SIGKILL"),
  };
}
