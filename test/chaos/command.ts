import { type Findings, hasFailed, reportOf } from "./report";

interface Command<O> {
  usage: string;
  /** Throws what is wrong with them. */
  readArguments: (args: string[]) => O | "help";
  run: (options: O, during: { signal: AbortSignal; say: (text: string) => void }) => Promise<Findings>;
}

/** A chaos run as a command: its report on the terminal, 1 for any violation, 2 for arguments it does not know. */
export function runCommand<O>(command: Command<O>): void {
  statusOf(command, process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(1);
    },
  );
}

async function statusOf<O>({ usage, readArguments, run }: Command<O>, args: string[]): Promise<number> {
  const started = Date.now();
  const say = (text: string) => console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${text}`);
  let options: O | "help";
  try {
    options = readArguments(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (options === "help") {
    console.log(usage);
    return 0;
  }
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (!interrupt.signal.aborted) say(`${signal}: clearing away`);
      interrupt.abort(new Error(signal));
    });
  const findings = await run(options, { signal: interrupt.signal, say });
  console.log(`\n${reportOf(findings)}`);
  return hasFailed(findings) ? 1 : 0;
}
