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

/** Keys and screen of an entry of `bin` in a terminal: it echoes, completes and colours. */
export function openTerminal(entry: string, args: string[], env: Record<string, string>) {
  const { command, args: own } = entryCommand(entry);
  const line = [command, ...own, ...args].map(quoted).join(" ");
  const child = spawn("/usr/bin/script", ["-qefc", line, "/dev/null"], {
    cwd: projectRoot(),
    env: { ...process.env, TERM: "xterm-256color", FORCE_COLOR: undefined, NO_COLOR: undefined, ...env },
  });
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

export function openConsole(entry: string, args: string[], env: Record<string, string>): Console {
  const { command, args: own } = entryCommand(entry);
  const child = spawn(command, [...own, ...args], { cwd: projectRoot(), env: { ...process.env, ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const say = (line: string) => void child.stdin.write(`${line}\n`);
  return {
    ended: new Promise((resolve) => child.once("close", resolve)),
    output: () => output,
    prompted: () => eventually(() => output.endsWith(PROMPT), 20_000),
    async type(line, answer) {
      const before = output.length;
      say(line);
      if (answer !== undefined) {
        await eventually(() => output.slice(before).endsWith(QUESTION), 20_000);
        say(answer);
      }
      await eventually(() => output.slice(before).endsWith(PROMPT), 20_000);
      return output.slice(before, -PROMPT.length);
    },
    say,
    end: () => void child.stdin.end(),
    kill: () => void child.kill("SIGKILL"),
  };
}
