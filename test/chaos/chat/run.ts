import { readArguments, usage } from "./arguments";
import { chatChaos } from "./chaos";
import { reportOf } from "./report";

const started = Date.now();
const say = (text: string) => console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s] ${text}`);

async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof readArguments>;
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
  const { checks, summary, left } = await chatChaos(options, { signal: interrupt.signal, say });
  if (left.length > 0) say(`not at rest: ${left.join("; ")}`);
  console.log(`\n${reportOf(checks, summary)}`);
  return left.length > 0 || checks.some(({ violations }) => violations.length > 0) ? 1 : 0;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
