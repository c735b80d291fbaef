import type { ServiceBroker } from "moleculer";
import { within } from "../lib/time";
import type { ReplCommand } from "./command";

/** Milliseconds that somebody who types waits for suggestions. */
const PATIENCE_MS = 1000;

/** Suggestions for the last word of a line, and that word; undefined where it is no command of ours. */
export async function completionOf(
  commands: ReplCommand[],
  broker: ServiceBroker,
  line: string,
): Promise<[string[], string] | undefined> {
  const [name = "", ...rest] = line.trimStart().split(/\s+/);
  const known = commands.find(({ names }) => names.includes(name));
  if (!known || rest.length === 0) return undefined;
  const typed = rest.at(-1) ?? "";
  const words = rest.slice(0, -1).filter((word) => !word.startsWith("--"));
  const all = typed.startsWith("-")
    ? known.flags
    : await within(PATIENCE_MS, () => known.complete(broker, words)).catch(() => []);
  return [all.filter((candidate) => candidate.startsWith(typed)), typed];
}
