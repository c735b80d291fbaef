import { once } from "node:events";
import type { REPLServer } from "node:repl";
import type { ServiceBroker } from "moleculer";
import { replCommands } from ".";
import { completionOf } from "./completing";
import { askAt } from "./confirm";

const ENDS = ["exit", "q", "quit"];

let opened: REPLServer | undefined;

/** Moleculer's console knows its broker for good: for another one it is loaded anew, and the old one must not read on. */
async function closeOld(): Promise<void> {
  if (!opened) return;
  const closed = once(opened.removeAllListeners("exit"), "exit");
  opened.close();
  await closed;
  for (const file of Object.keys(require.cache)) if (/[\\/]moleculer-repl[\\/]/.test(file)) delete require.cache[file];
}

/** Moleculer's `env` would print each secret of the process, and so into the scrollback and recordings of terminals. */
function withoutEnv(): void {
  const loaded = require("moleculer-repl/src/commands/env") as { register: () => void };
  loaded.register = () => undefined;
}

type Completer = (line: string, callback: (error: Error | null, found?: [string[], string]) => void) => void;

/** Moleculer's console knows what may follow its own commands only. */
const completer =
  (broker: ServiceBroker, otherwise: Completer): Completer =>
  (line, callback) => {
    completionOf(replCommands, broker, line).then(
      (found) => (found ? callback(null, found) : otherwise(line, callback)),
      () => otherwise(line, callback),
    );
  };

/**
 * Opens Moleculer's console in this process. `quit` and Ctrl-D end it as SIGTERM would, where Moleculer's own would stop
 * all services at once, under the requests that are being answered.
 */
export async function openConsole(broker: ServiceBroker): Promise<void> {
  await closeOld();
  withoutEnv();
  // Moleculer's type for it says nothing of what it answers.
  const server = broker.repl() as unknown as REPLServer;
  opened = server;
  const { eval: evaluate } = server;
  askAt(server);
  Object.assign(server, {
    completer: completer(broker, (server.completer as unknown as Completer).bind(server)),
    eval(this: REPLServer, ...args: Parameters<REPLServer["eval"]>) {
      if (ENDS.includes(args[0].trim())) server.close();
      else evaluate.apply(this, args);
    },
  });
  server.removeAllListeners("exit").once("exit", () => process.kill(process.pid, "SIGTERM"));
}
